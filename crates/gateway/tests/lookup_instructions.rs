//! Finding the route of a request takes hardly more instructions among thousands than among ten, counted by valgrind.

use aquifer_testing::instructions::Bench;

const FEW: u64 = 100;
const MANY: u64 = 1000;
/// A larger hash map may have longer chains; a look at every route would take hundreds of times as many.
const MARGIN_PERCENT: u64 = 20;

#[test]
fn many_routes_cost_a_request_no_more_than_few() {
    let Some(bench) = Bench::build("aquifer-gateway", "lookup", "a look-up of a route") else { return };
    let [few, many] = ["10", "5000"].map(|routes| bench.each(&[routes], FEW, MANY));
    println!("two look-ups among 10 routes: {few} instructions, among 5000: {many}");
    assert!(few > 200 && many * 100 <= few * (100 + MARGIN_PERCENT), "{few} among 10, {many} among 5000");
}
