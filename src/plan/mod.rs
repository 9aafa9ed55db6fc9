//! Expansion, graph, diff, rules, order and the saved plan.
