//! What a cause answers when it is asked about a connection.

use crate::ids::PacketNumber;
use crate::report::model::{Confidence, Evidence, Fix, LimitReport, MessageReport, Party, Severity};

/// A cause that wsdiag can conclude: one file under `causes/`, one line in its list.
pub struct Cause {
    /// Stable kebab-case id, as reports show it.
    pub id: &'static str,
    /// What the check belongs to; causes of one family are alternatives to each other.
    pub family: Family,
    /// One line for lists.
    pub summary: &'static str,
    /// The documentation in the fixed form: What was seen, Why the peer closes, How we know, What would prove us wrong, Fix,
    /// References.
    pub documentation: &'static str,
    /// The check.
    pub check: fn(&super::case::Case<'_>) -> Verdict,
}

/// Causes that are alternatives to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// 1009 and its disguises.
    TooBig,
    /// 1007 and its disguises.
    NotText,
    /// 1001 and its disguises.
    GoingAway,
    /// Endings without a Close frame.
    NoClose,
    /// Broken protocol rules.
    Protocol,
    /// Codes with a plain meaning.
    Plain,
    /// Upgrade requests that did not become a WebSocket: judged apart from connections, documented here.
    Handshake,
}

/// A cause's answer.
pub enum Verdict {
    /// It fits.
    Fits(Box<Finding>),
    /// It is what remains to be said where nothing fits. Its confidence is about what it says, and is not weighed against
    /// those that fit.
    Otherwise(Box<Finding>),
    /// It was worth a thought and is excluded, because of this.
    RuledOut(String),
    /// It has nothing to say here.
    NotThis,
}

/// What a cause found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How sure.
    pub confidence: Confidence,
    /// How bad.
    pub severity: Severity,
    /// One line, no full stop.
    pub title: String,
    /// What happened and why: sentences with packet numbers.
    pub explanation: String,
    /// Who provoked it.
    pub caused_by: Option<Party>,
    /// Who has to change.
    pub change: Option<Party>,
    /// The rule that was broken, for `protocol-violation`.
    pub violation: Option<&'static str>,
    /// The message that caused it.
    pub message: Option<MessageReport>,
    /// The limit that refused it.
    pub limit: Option<LimitReport>,
    /// What supports it.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// A finding with nothing but its sentences; the rest is added by field.
    #[must_use]
    pub fn new(
        confidence: Confidence,
        severity: Severity,
        title: impl Into<String>,
        explanation: impl Into<String>,
    ) -> Finding {
        Finding {
            confidence,
            severity,
            title: title.into(),
            explanation: explanation.into(),
            caused_by: None,
            change: None,
            violation: None,
            message: None,
            limit: None,
            evidence: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with_evidence(mut self, kind: &'static str, text: impl Into<String>, packets: &[PacketNumber]) -> Finding {
        self.evidence.push(Evidence { kind, text: text.into(), packets: packets.to_vec() });
        self
    }

    /// Adds something to change.
    #[must_use]
    pub fn with_fix(
        mut self,
        party: Party,
        text: impl Into<String>,
        example: Option<String>,
        source: Option<String>,
    ) -> Finding {
        self.fixes.push(Fix { party, text: text.into(), example, source });
        self
    }

    /// The finding as a verdict where no other cause fits.
    #[must_use]
    pub fn otherwise(self) -> Verdict {
        Verdict::Otherwise(Box::new(self))
    }

    /// The finding as a verdict.
    #[must_use]
    pub fn fits(self) -> Verdict {
        Verdict::Fits(Box::new(self))
    }
}
