//! Services that page otherwise than was asked for, answer wrong, or not at all; and what is read of a
//! list of which only a part is wanted.

use super::*;
use crate::environment::Clock;
use crate::resources::Sought;

fn number(parameters: &Parameters) -> usize {
    parameters["PageNumber"].parse().unwrap()
}

#[test]
fn a_list_costs_a_call_for_each_fifty_rows() {
    for (count, calls) in [(0, 1), (1, 1), (49, 1), (50, 1), (51, 2), (100, 2), (101, 3)] {
        let ids = names(count);
        let bench = Bench::new(move |_, parameters| paged(&ids, parameters, 50));
        assert_eq!((bench.ids().len(), bench.count()), (count, calls), "{count}");
    }
}

#[test]
fn totals_may_be_texts_or_only_on_the_first_page() {
    for (only_first, as_text) in [(false, true), (true, false), (true, true)] {
        let ids = names(120);
        let bench = Bench::new(move |_, parameters| {
            let (status, mut body) = paged(&ids, parameters, 50);
            if as_text {
                body["TotalCount"] = json!(body["TotalCount"].to_string());
            }
            if only_first && number(parameters) > 1 {
                body.as_object_mut().unwrap().remove("TotalCount");
            }
            (status, body)
        });
        assert_eq!((bench.ids().len(), bench.count()), (120, 3));
    }
    // One that cannot be read is none.
    let ids = names(60);
    let bench = Bench::new(move |_, parameters| {
        let (status, mut body) = paged(&ids, parameters, 50);
        body["TotalCount"] = json!("many");
        (status, body)
    });
    assert_eq!((bench.ids().len(), bench.count()), (60, 2));
}

#[test]
fn a_service_may_know_no_pages_or_answer_with_its_last_one() {
    // It gives everything, whatever was asked for.
    let ids = names(170);
    let bench = Bench::new(move |_, _| answer(&ids, Some(170)));
    assert_eq!((bench.ids().len(), bench.count()), (170, 1));
    // A number beyond the end is answered with the last page.
    for count in [50, 100, 130] {
        let ids = names(count);
        let bench = Bench::new(move |_, parameters| {
            let last = count.div_ceil(50);
            let at = number(parameters).min(last) - 1;
            answer(&ids[at * 50..count.min(at * 50 + 50)], None)
        });
        assert_eq!(bench.ids().len(), count);
        assert_eq!(bench.count(), count / 50 + 1);
    }
}

#[test]
fn rows_that_come_twice_do_no_harm_where_all_ids_are_there() {
    let ids = names(60);
    let bench = Bench::new(move |_, parameters| match number(parameters) {
        1 => answer(&ids[..50], Some(60)),
        // It begins with what the first page ended with.
        _ => answer(&ids[45..], Some(60)),
    });
    assert_eq!((bench.ids(), bench.count()), (names(60), 2));
}

#[test]
fn rows_in_another_order_each_time_are_laid_together() {
    for count in [60_usize, 100, 180] {
        let bench = Bench::new(move |call, parameters| {
            let mut ids = names(count);
            ids.sort_by_key(|id| {
                let number: u64 = id[4..].parse().unwrap();
                crate::emulator::faults::mix(number + 1_000 * call as u64)
            });
            paged(&ids, parameters, 50)
        });
        assert_eq!(bench.ids(), names(count));
        assert!(bench.count() <= 8 * count.div_ceil(50), "{}", bench.count());
    }
}

/// Reads a list of which each answer says the same nonsense; returns what is told and how many calls
/// it took.
fn nonsense(
    total: usize,
    rows: impl Fn(usize) -> Vec<String> + Send + Sync + 'static,
) -> (String, usize) {
    let bench = Bench::new(move |_, parameters| answer(&rows(number(parameters)), Some(total)));
    let Listing::Failed(why) = bench.list() else { panic!("it does not add up") };
    (why, bench.count())
}

#[test]
fn what_never_adds_up_is_told_as_such() {
    // It says more than it has, less than it has, gives the first page each time, or none.
    type Rows = Box<dyn Fn(usize) -> Vec<String> + Send + Sync>;
    let cases: [(usize, Rows, &str, usize); 5] = [
        (5, Box::new(|page| names(if page == 1 { 3 } else { 0 })), "3 of 5 rows came", 2),
        (0, Box::new(|_| names(3)), "3 of 0 rows came", 1),
        (120, Box::new(|_| names(50)), "100 of 120 rows came, 50 of them twice", 3),
        (100, Box::new(|page| if page == 1 { names(50) } else { Vec::new() }), "50 of 100 rows", 2),
        (7, Box::new(|_| Vec::new()), "0 of 7 rows came", 1),
    ];
    for (total, rows, said, pages) in cases {
        let (why, calls) = nonsense(total, rows);
        assert!(why.contains(said), "{why}");
        assert!(why.contains("do not add up, each of 8 times alike"), "{why}");
        assert!(why.contains("the answers contradict themselves"), "{why}");
        assert!(calls <= 8 * pages, "{calls}");
    }
}

#[test]
fn pages_that_hold_one_row_each_end() {
    // The first page of a long list holds a single row, and so do the others: the same one.
    let (why, calls) = nonsense(200_000, |_| names(1));
    assert!(why.contains("2 of 200000 rows came, 1 of them twice"), "{why}");
    assert!(calls <= 8 * 40, "{calls}");
}

#[test]
fn a_list_that_changed_is_read_again_after_a_while() {
    let bench = Bench::new(|call, parameters| {
        let ids = names(if call < 2 { 60 } else { 61 });
        let mut answered = paged(&ids, parameters, 50);
        if call == 1 {
            answered.1["TotalCount"] = json!(61);
        }
        answered
    });
    assert_eq!((bench.ids().len(), bench.count()), (61, 4));
    assert_eq!(bench.clock.now(), Timestamp(100), "it had time to come to rest");
}

#[test]
fn what_fails_is_asked_for_again_alone() {
    for failure in [(429, "Throttling.User"), (500, "InternalError"), (409, "OperationConflict")] {
        let ids = names(170);
        let hit = Mutex::new(false);
        let bench = Bench::new(move |_, parameters| {
            let mut hit = hit.lock().unwrap();
            if number(parameters) == 3 && !*hit {
                *hit = true;
                return refusal(failure.0, failure.1);
            }
            paged(&ids, parameters, 50)
        });
        assert_eq!(bench.ids().len(), 170);
        assert_eq!(bench.pages(), [1, 2, 3, 3, 4], "{failure:?}");
    }
}

fn sought(ids: &[&str], rows: Option<usize>) -> Sought {
    Sought { scope: gateways(), ids: ids.iter().map(|id| (*id).to_owned()).collect(), rows }
}

/// A service that filters by id, and how many calls it takes to find what is sought among `count`.
fn found(count: usize, sought: &Sought) -> (Listing, usize) {
    let ids = names(count);
    let bench = Bench::new(move |_, parameters| match parameters.get("NatGatewayId") {
        Some(id) if ids.contains(id) => answer(std::slice::from_ref(id), Some(1)),
        Some(_) => answer(&[], Some(0)),
        None => paged(&ids, parameters, 50),
    });
    let listing = block_on(read_sought(&bench.client, sought, Timestamp(60_000))).listing;
    (listing, bench.count())
}

#[test]
fn what_is_sought_is_read_in_the_fewest_calls() {
    for (count, ids, rows, calls) in [
        // A short list is read whole.
        (3, &["ngw-0001"][..], Some(1), 1),
        (50, &["ngw-0001", "ngw-0049"], Some(2), 1),
        // One of a long list, on its first page, on another, and where it is known to be long.
        (500, &["ngw-0001"], Some(1), 1),
        (500, &["ngw-0400"], Some(1), 2),
        (500, &["ngw-0400"], Some(51), 1),
        (500, &["ngw-0400"], None, 1),
        (500, &["ngw-0001", "ngw-0400", "ngw-0401"], Some(3), 3),
        // As many as there are pages: the list costs no more.
        (100, &["ngw-0099"], Some(1), 2),
        (150, &["ngw-0060", "ngw-0061", "ngw-0149"], Some(3), 3),
    ] {
        let (listing, taken) = found(count, &sought(ids, rows));
        let (Listing::Rows(rows) | Listing::Part { rows, .. }) = listing else { panic!("{count}") };
        assert!(ids.iter().all(|id| rows.contains_key(*id)), "{ids:?} of {count}");
        assert_eq!(taken, calls, "{ids:?} of {count}");
    }
    // What is not there is told from what was not asked for.
    let (listing, calls) = found(500, &sought(&["ngw-9999"], None));
    let Listing::Part { asked, rows } = listing else { panic!("a part") };
    assert!(asked.contains("ngw-9999") && rows.is_empty() && calls == 1);
    let whole = found(120, &sought(&[], None));
    assert!(matches!(whole, (Listing::Rows(rows), 3) if rows.len() == 120));
}

#[test]
fn a_filter_may_be_refused_or_ignored() {
    let refused = Bench::new(|_, _| refusal(404, "InvalidNatGatewayId.NotFound"));
    let one = sought(&["ngw-1"], None);
    let listing = block_on(read_sought(&refused.client, &one, Timestamp(1000))).listing;
    assert!(matches!(listing, Listing::Part { rows, .. } if rows.is_empty()));
    assert_eq!(refused.count(), 1);
    let ignored = Bench::new(|_, parameters| paged(&names(120), parameters, 50));
    let one = sought(&["ngw-0100"], None);
    let listing = block_on(read_sought(&ignored.client, &one, Timestamp(1000))).listing;
    assert!(matches!(listing, Listing::Part { rows, .. } if rows.len() == 1));
    assert_eq!(ignored.count(), 3);
}

#[test]
fn what_keeps_one_list_from_being_read_keeps_all() {
    let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let table = |n: usize| ReadScope::ForwardEntries {
        region: "cn-hangzhou".to_owned(),
        table: format!("ftb-{n:04}"),
    };
    let scopes: Vec<ReadScope> = (0..1000).map(table).collect();
    for runtime in [single, several] {
        for (status, code, at_most) in [
            (403, "InvalidSecurityToken.Expired", 70),
            (400, "SignatureDoesNotMatch", 70),
            (500, "InternalError", 64 * 8),
        ] {
            let bench = Bench::new(move |_, _| refusal(status, code));
            let lists = reader(&bench, &runtime).lists("", &scopes);
            assert_eq!(lists.len(), 1000);
            let failed =
                |listing: &Listing| matches!(listing, Listing::Failed(why) if why.contains(code));
            assert!(lists.values().all(failed), "{code}");
            assert!(bench.count() <= at_most, "{code}: {} calls", bench.count());
        }
        // A permission may lack for one table only.
        let bench = Bench::new(|_, parameters| match parameters["ForwardTableId"].as_str() {
            "ftb-0007" => refusal(403, "Forbidden.RAM"),
            _ => (200, json!({ "ForwardTableEntries": [], "TotalCount": 0 })),
        });
        let lists = reader(&bench, &runtime).lists("", &scopes);
        let failed = lists.values().filter(|listing| matches!(listing, Listing::Failed(_)));
        assert_eq!((failed.count(), bench.count()), (1, 1000));
    }
}
