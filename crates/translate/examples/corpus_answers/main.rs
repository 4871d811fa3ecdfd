//! Writes what clients of each dialect would be sent for the recorded answers of Bedrock, with what they must understand: the
//! input of the suites `*_corpus` of real clients.
//!
//! Usage: `corpus_answers CORPUS OUT`. Each line of `OUT` is one answer: its case, API and dialect, the HTTP answer, and
//! either what the recording says (`said`) or why it failed (`failure`). Where the answer is a stream, `whole` is the whole
//! answer that says the same.
#![expect(clippy::unwrap_used, reason = "it serves tests")]
#![expect(clippy::print_stdout, reason = "it is run by a person, or for one")]

mod message;
mod recording;
mod told;

use recording::Recording;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(corpus), Some(out)) = (arguments.next(), arguments.next()) else {
        panic!("usage: corpus_answers CORPUS OUT");
    };
    let mut file = BufWriter::new(File::create(&out).unwrap());
    let (mut cases, mut lines) = (0, 0);
    for recording in folders(&corpus).iter().filter_map(|folder| Recording::read(folder)) {
        cases += 1;
        for answer in told::answers(&recording) {
            lines += 1;
            writeln!(file, "{answer}").unwrap();
        }
    }
    file.flush().unwrap();
    assert!(cases > 600, "the corpus has more cases: {cases}");
    println!("{cases} recorded answers are {lines} answers for clients in {}", out.display());
}

/// The folders of all cases, in order.
fn folders(corpus: &Path) -> Vec<PathBuf> {
    let sources = fs::read_dir(corpus.join("cases")).unwrap();
    let mut folders: Vec<PathBuf> = sources
        .flat_map(|source| fs::read_dir(source.unwrap().path()).unwrap())
        .map(|case| case.unwrap().path())
        .collect();
    folders.sort();
    folders
}
