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

/// Gives damaged copies of these bytes to the body of a fuzz target: bytes changed, left out, doubled, taken from another.
///
/// # Panics
/// There is nothing to damage.
pub fn damage(seeds: &[Vec<u8>], run: impl Fn(&[u8])) {
    assert!(seeds.iter().any(|seed| !seed.is_empty()), "nothing to damage");
    arbtest::arbtest(|u| {
        let mut data = u.choose(seeds)?.clone();
        for _ in 0..u.int_in_range(0..=4)? {
            let at = u.choose_index(data.len() + 1)?;
            let other = u.choose(seeds)?;
            let from = u.choose_index(other.len() + 1)?;
            let length = u.int_in_range(0..=20)?;
            let taken = other.iter().skip(from).take(length).copied().collect::<Vec<u8>>();
            match (u.int_in_range(0..=3)?, data.get_mut(at)) {
                (0, Some(byte)) => *byte = u.arbitrary()?,
                (1, Some(byte)) => *byte = *u.choose(b"{}[]\",:0-.enull\\%/")?,
                (2, _) => drop(data.drain(at..(at + length).min(data.len()))),
                _ => drop(data.splice(at..at, taken)),
            }
        }
        run(&data);
        Ok(())
    });
}

/// The same of a file of every case in a folder of `fixtures`.
///
/// # Panics
/// The folder holds few such files.
pub fn give_damaged(folder: &str, file: &str, run: impl Fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder);
    let cases = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let seeds: Vec<Vec<u8>> = cases.filter_map(|case| std::fs::read(case.path().join(file)).ok()).collect();
    assert!(seeds.len() > 30, "{} files", seeds.len());
    damage(&seeds, run);
}
