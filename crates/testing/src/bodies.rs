//! The bodies of fuzz targets, given generated inputs by the stable compiler too.

/// Gives bytes of every kind to the body of a fuzz target, as long as `ARBTEST_BUDGET_MS` says.
pub fn give_any_bytes(run: impl Fn(&[u8])) {
    arbtest::arbtest(|u| {
        let data: Vec<u8> = u.arbitrary()?;
        run(&data);
        Ok(())
    });
}

/// Cuts bytes into pieces of these sizes, over and over; a size of nought is one.
pub fn pieces<const N: usize>(bytes: &[u8], sizes: [u8; N]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    let mut sizes = sizes.into_iter().cycle();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = usize::from(sizes.next()?).max(1);
        let (piece, left) = rest.split_at(size.min(rest.len()));
        rest = left;
        Some(piece)
    })
}
