//! From facts to verdicts: a pure function of the records of [`crate::connection`].

pub mod anomalies;
pub mod application_codes;
pub mod breach;
pub mod case;
pub mod causes;
pub mod drops;
pub mod ends;
pub mod events;
pub mod files;
pub mod finding;
pub mod going_away;
mod handshakes;
pub mod idle;
mod incidents;
pub mod legs;
mod losses;
mod near_limit;
pub mod not_text;
pub mod payload;
pub mod plain;
pub mod recurrence;
mod refusals;
mod reports;
pub mod sizes;
pub mod timers;
pub mod too_big;
pub(crate) mod unread;
pub mod words;
pub mod world;

use crate::connection::Observations;
use crate::knowledge::Knowledge;
use crate::report::model::{Diagnosis, Report, RuledOut};
use case::Case;
use finding::{Cause, Family, Finding, Verdict};
use world::World;

/// Verdicts that are found before they are put together.
const BATCH: usize = 128;

/// Explains every connection.
#[must_use]
pub fn diagnose(observations: Observations, knowledge: &Knowledge) -> Report {
    let world = World::new(&observations, knowledge);
    let count = observations.connections.len();
    let mut verdicts: Vec<Option<Diagnosis>> = Vec::with_capacity(count);
    for first in (0..count).step_by(BATCH) {
        let batch: Vec<Option<Diagnosis>> = (first..count.min(first + BATCH)).map(|i| verdict(&world, i)).collect();
        // What stays is copied out from between what was only needed to find it.
        verdicts.extend(batch.iter().cloned());
    }
    let handshake_failures = handshakes::reports(&world);
    let incidents = incidents::reports(&world, &verdicts);
    let blind_spots = losses::blind_spots(&world);
    let ends = world.ends;
    // From here on each record is given up as soon as its report stands: a capture of 10,000 connections is held once.
    reports::build(observations, ends, verdicts, reports::Beside { handshake_failures, incidents, blind_spots })
}

/// Asks every cause about one connection and takes the surest; among equals the first in the list, which is ordered from
/// special to general. Where none fits, the first that has something to say otherwise.
fn verdict(world: &World<'_>, index: usize) -> Option<Diagnosis> {
    let ends = &world.ends[index];
    let case = Case {
        index,
        connection: &world.observations.connections[index],
        ending: world.endings[index].clone(),
        client: ends.client.as_deref().map(|i| &i.identified),
        server: ends.server.as_deref().map(|i| &i.identified),
        world,
        memo: case::Memo::default(),
    };
    let mut best: Option<(&'static Cause, Box<Finding>)> = None;
    let mut otherwise: Option<(&'static Cause, Box<Finding>)> = None;
    let mut excluded: Vec<(&'static Cause, String)> = Vec::new();
    for cause in causes::CAUSES {
        if cause.family == Family::Plain && otherwise.is_some() {
            // One code has one plain meaning.
            continue;
        }
        match (cause.check)(&case) {
            Verdict::Fits(finding) => {
                if best.as_ref().is_none_or(|(_, b)| finding.confidence > b.confidence) {
                    best = Some((cause, finding));
                }
            }
            Verdict::Otherwise(finding) => otherwise = otherwise.or(Some((cause, finding))),
            Verdict::RuledOut(because) => excluded.push((cause, because)),
            Verdict::NotThis => {}
        }
    }
    let (cause, mut finding) = best.or(otherwise)?;
    losses::weigh(&case, cause, &mut finding);
    let ruled_out = excluded
        .into_iter()
        .filter(|(c, _)| c.id != cause.id)
        .map(|(c, because)| RuledOut { cause: c.id, because })
        .collect();
    Some(reports::diagnosis(&case, cause, *finding, ruled_out))
}
