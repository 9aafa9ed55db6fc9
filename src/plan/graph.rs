//! The graph of operations: edges with their reasons, joins that stand for "all of these", a
//! topological order that is always the same, and the cycles where there is none.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::graph::DiGraph;

/// Why an operation waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// They are steps of one change.
    Steps,
    /// The first makes a value that the second sends.
    Value,
    /// The second deletes what the first one's object stands on.
    Parent,
    /// The second gives up an address that the first one's entry uses.
    Address,
    /// `depends_on`, or dependents of what is replaced by creating first.
    Depends,
    /// A dependency that was recorded when the object was made, coarse and maybe outdated.
    Recorded,
    /// The first leaves a unique key that the second takes.
    Key,
    /// The first leaves an address that the second takes in the other table.
    Exclusion,
    /// The first leaves a place of a quota that the second takes.
    Place,
    /// A rule of the service on the order of actions.
    Guard,
    /// The first may leave what the second takes: nothing tells before the calls.
    Possible,
}

impl Why {
    /// Whether the edge gives way where it closes a cycle.
    const fn yields(self) -> bool {
        matches!(self, Self::Recorded | Self::Possible)
    }
}

/// A node: operations come first, joins after them.
pub(crate) type Node = usize;

/// Groups with at most this many edges are written out, operation by operation.
const FLAT: usize = 4096;

/// The graph while it is built.
#[derive(Debug)]
pub(crate) struct Graph {
    operations: usize,
    joins: usize,
    /// Sorted and distinct once the graph is arranged.
    edges: Vec<(Node, Node, Why)>,
}

/// An order of all operations.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arranged {
    /// Old indices in their new order.
    pub(crate) order: Vec<usize>,
    /// For each operation (new index): the operations that it waits for (new indices, ascending).
    pub(crate) after: Vec<Vec<usize>>,
    /// For each operation (new index): the groups that it waits for.
    pub(crate) groups_of: Vec<Vec<usize>>,
    /// Members of the groups (new indices, ascending).
    pub(crate) groups: Vec<Vec<usize>>,
}

/// Operations that wait for each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// The operations, ascending.
    pub(crate) members: Vec<usize>,
    /// The edges among them.
    pub(crate) edges: Vec<(Node, Node, Why)>,
}

impl Graph {
    /// Starts a graph of that many operations.
    pub(crate) fn new(operations: usize) -> Self {
        Self { operations, joins: 0, edges: Vec::new() }
    }

    /// Adds a node that stands for all that point to it.
    pub(crate) fn join(&mut self) -> Node {
        self.joins += 1;
        self.operations + self.joins - 1
    }

    /// Lets `second` wait for `first`.
    pub(crate) fn edge(&mut self, first: Node, second: Node, why: Why) {
        if first != second {
            self.edges.push((first, second, why));
        }
    }

    /// Lets each of `second` wait for each of `first`.
    pub(crate) fn connect(&mut self, first: &[Node], second: &[Node], why: Why) {
        if first.len() * second.len() <= first.len() + second.len() + 4 {
            for f in first {
                for s in second {
                    self.edge(*f, *s, why);
                }
            }
            return;
        }
        let join = self.join();
        for f in first {
            self.edge(*f, join, why);
        }
        for s in second {
            self.edge(join, *s, why);
        }
    }

    /// Orders the operations. Coarse recorded dependencies and what is only possible are dropped where
    /// they close a cycle; what is left in cycles is returned as the error.
    pub(crate) fn arrange(&mut self) -> Result<Arranged, Vec<Cycle>> {
        self.edges.sort_unstable();
        self.edges.dedup();
        loop {
            let (order, left) = self.sort();
            if left.is_empty() {
                return Ok(self.arranged(&order));
            }
            let cycles = self.cycles(&left);
            let mut outdated: Vec<_> = cycles
                .iter()
                .flat_map(|c| c.edges.iter().copied())
                .filter(|(_, _, why)| why.yields())
                .collect();
            if outdated.is_empty() {
                return Err(cycles);
            }
            outdated.sort_unstable();
            self.edges.retain(|edge| outdated.binary_search(edge).is_err());
        }
    }

    /// Returns all nodes in order, the smallest operation that can come next first, and the nodes that
    /// no order reaches.
    fn sort(&self) -> (Vec<Node>, Vec<Node>) {
        let count = self.operations + self.joins;
        let mut waits = vec![0_usize; count];
        for (_, second, _) in &self.edges {
            waits[*second] += 1;
        }
        let mut ready: BinaryHeap<Reverse<Node>> =
            (0..count).filter(|n| waits[*n] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(count);
        while let Some(Reverse(node)) = ready.pop() {
            order.push(node);
            for (_, second, _) in self.leaving(node) {
                waits[second] -= 1;
                if waits[second] == 0 {
                    ready.push(Reverse(second));
                }
            }
        }
        let left = (0..count).filter(|n| waits[*n] > 0).collect();
        (order, left)
    }

    fn leaving(&self, node: Node) -> impl Iterator<Item = (Node, Node, Why)> + '_ {
        let start = self.edges.partition_point(|(from, _, _)| *from < node);
        self.edges[start..].iter().take_while(move |(from, _, _)| *from == node).copied()
    }

    /// Returns the strongly connected parts of what is left.
    fn cycles(&self, left: &[Node]) -> Vec<Cycle> {
        let place: BTreeMap<Node, usize> = left.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let mut graph = DiGraph::<Node, ()>::with_capacity(left.len(), left.len());
        let nodes: Vec<_> = left.iter().map(|n| graph.add_node(*n)).collect();
        for (from, to, _) in &self.edges {
            if let (Some(from), Some(to)) = (place.get(from), place.get(to)) {
                graph.add_edge(nodes[*from], nodes[*to], ());
            }
        }
        // Not Tarjan's, which recurses as deep as the longest chain.
        let mut cycles: Vec<Cycle> = petgraph::algo::kosaraju_scc(&graph)
            .into_iter()
            .filter(|part| part.len() > 1)
            .map(|part| {
                let all: BTreeSet<Node> = part.iter().map(|n| graph[*n]).collect();
                let edges = all
                    .iter()
                    .flat_map(|n| self.leaving(*n))
                    .filter(|(_, to, _)| all.contains(to))
                    .collect();
                let members = all.into_iter().filter(|n| *n < self.operations).collect();
                Cycle { members, edges }
            })
            .collect();
        cycles.sort_by(|a, b| a.members.cmp(&b.members));
        cycles
    }

    fn arranged(&self, nodes: &[Node]) -> Arranged {
        let order: Vec<usize> = nodes.iter().copied().filter(|n| *n < self.operations).collect();
        let mut place = vec![0; self.operations];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
        }
        let incoming = Incoming::of(&self.edges, self.operations + self.joins);
        let mut fan_out = vec![0_usize; self.joins];
        for (from, _, _) in &self.edges {
            if let Some(join) = from.checked_sub(self.operations) {
                fan_out[join] += 1;
            }
        }
        // Members of joins, in topological order, so that joins of joins are complete.
        let mut members: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.joins];
        for node in nodes {
            let Some(join) = node.checked_sub(self.operations) else { continue };
            let mut all = BTreeSet::new();
            for from in incoming.to(*node) {
                match from.checked_sub(self.operations) {
                    Some(inner) => all.extend(members[inner].iter().copied()),
                    None => {
                        all.insert(place[*from]);
                    }
                }
            }
            members[join] = all;
        }
        let mut groups = Vec::new();
        let mut group_of: BTreeMap<usize, usize> = BTreeMap::new();
        let mut after = vec![Vec::new(); self.operations];
        let mut groups_of = vec![Vec::new(); self.operations];
        for (new, old) in order.iter().enumerate() {
            let mut direct = Vec::new();
            for from in incoming.to(*old) {
                let Some(join) = from.checked_sub(self.operations) else {
                    direct.push(place[*from]);
                    continue;
                };
                if members[join].len() * fan_out[join] <= FLAT {
                    direct.extend(members[join].iter().copied());
                    continue;
                }
                let group = *group_of.entry(join).or_insert_with(|| {
                    groups.push(members[join].iter().copied().collect());
                    groups.len() - 1
                });
                groups_of[new].push(group);
            }
            direct.sort_unstable();
            direct.dedup();
            direct.retain(|other| *other != new);
            direct.shrink_to_fit();
            after[new] = direct;
            groups_of[new].sort_unstable();
            groups_of[new].dedup();
        }
        Arranged { order, after, groups_of, groups }
    }
}

/// The nodes that each node waits for, in one list.
struct Incoming {
    nodes: Vec<Node>,
    /// Where the nodes of each begin, and where the last ones end.
    begins: Vec<usize>,
}

impl Incoming {
    fn of(edges: &[(Node, Node, Why)], count: usize) -> Self {
        let mut begins = vec![0; count + 1];
        for (_, to, _) in edges {
            begins[to + 1] += 1;
        }
        for node in 0..count {
            begins[node + 1] += begins[node];
        }
        let mut free = begins.clone();
        let mut nodes = vec![0; edges.len()];
        for (from, to, _) in edges {
            nodes[free[*to]] = *from;
            free[*to] += 1;
        }
        Self { nodes, begins }
    }

    fn to(&self, node: Node) -> &[Node] {
        &self.nodes[self.begins[node]..self.begins[node + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_the_smallest_that_the_edges_allow() {
        let mut graph = Graph::new(4);
        graph.edge(3, 0, Why::Value);
        graph.edge(2, 1, Why::Value);
        let arranged = graph.arrange().unwrap();
        assert_eq!(arranged.order, [2, 1, 3, 0]);
        assert_eq!(arranged.after, [vec![], vec![0], vec![], vec![2]]);
    }

    #[test]
    fn joins_are_written_out_when_small_and_kept_as_groups_when_large() {
        let mut graph = Graph::new(6);
        graph.connect(&[0, 1, 2], &[3, 4, 5], Why::Depends);
        let arranged = graph.arrange().unwrap();
        assert_eq!(arranged.after[3], [0, 1, 2]);
        assert!(arranged.groups.is_empty());

        let mut graph = Graph::new(200);
        let (first, second): (Vec<_>, Vec<_>) = ((0..100).collect(), (100..200).collect());
        graph.connect(&first, &second, Why::Depends);
        let arranged = graph.arrange().unwrap();
        assert_eq!(arranged.groups.len(), 1);
        assert_eq!(arranged.groups[0].len(), 100);
        assert!(arranged.after.iter().all(Vec::is_empty));
        assert_eq!(arranged.groups_of[199], [0]);
    }

    #[test]
    fn cycles_are_found_and_outdated_edges_give_way() {
        let mut graph = Graph::new(3);
        graph.edge(0, 1, Why::Key);
        graph.edge(1, 2, Why::Key);
        graph.edge(2, 0, Why::Recorded);
        assert_eq!(graph.arrange().unwrap().order, [0, 1, 2]);

        graph.edge(2, 0, Why::Key);
        let cycles = graph.arrange().unwrap_err();
        assert_eq!(cycles.len(), 1);
        assert_eq!(cycles[0].members, [0, 1, 2]);
        assert_eq!(cycles[0].edges.len(), 3);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_ordered() {
        let count = 100_000;
        let mut graph = Graph::new(count);
        for i in 1..count {
            graph.edge(i, i - 1, Why::Key);
        }
        assert_eq!(graph.arrange().unwrap().order[0], count - 1);
        graph.edge(0, count - 1, Why::Key);
        assert_eq!(graph.arrange().unwrap_err()[0].members.len(), count);
    }
}
