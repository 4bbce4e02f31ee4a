//! What codes, causes and implementations mean.

use super::args::{Explained, Looks};
use super::{Outcome, complain, output};
use wsdiag::explain::{Answer, Catalogue, look_up};

/// Explains what `asked` names, or lists everything when that is wanted or nothing is named.
pub(super) fn explain(asked: &Explained, looks: &Looks) -> Outcome {
    let answer = if asked.list || asked.words.is_empty() {
        Answer::Listed(Catalogue::complete())
    } else {
        match look_up(&asked.words) {
            Ok(all) => Answer::Explained(all),
            Err(misunderstood) => {
                complain(misunderstood);
                return Outcome::Failed;
            }
        }
    };
    // A table uses all columns there are; the prose keeps to lines that can be read.
    let written = output::to_stdout_as_wide_as_it_is(looks, |style, out| answer.write(asked.format.into(), style, out));
    match written {
        Ok(()) => Outcome::Clean,
        Err(reason) => {
            complain(format_args!("cannot write: {reason}"));
            Outcome::Failed
        }
    }
}
