//! What the conditions of a request mean for its response (RFC 9110, section 13, in Apache's
//! reading). Times are whole seconds since 1970; the C types are in `abi/http_protocol/conditions.rs`.

/// How a condition turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The client set no such condition.
    None,
    /// It does not hold.
    No,
    /// It holds by weak comparison.
    Weak,
    /// It holds by strong comparison.
    Strong,
}

impl Match {
    fn holds(self) -> bool {
        matches!(self, Self::Weak | Self::Strong)
    }
}

/// What to do with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answer as if there were no condition.
    Proceed,
    /// 304: what the client has is current.
    NotModified,
    /// 412.
    Failed,
}

/// The times that date conditions are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When the resource was changed.
    pub modified: i64,
    /// When the request came.
    pub request: i64,
    /// Whether a range was asked for, for which weak comparison will not do.
    pub ranged: bool,
}

/// A file changed less than a minute ago may have changed again within the same second.
const SETTLED_AFTER: i64 = 60;

impl Times {
    fn holds(&self) -> Match {
        if self.request >= self.modified + SETTLED_AFTER {
            Match::Strong
        } else if self.ranged {
            Match::No
        } else {
            Match::Weak
        }
    }

    /// `If-Unmodified-Since`: holds (and the request fails) when changed after `date`; `None` is an
    /// unreadable date.
    pub fn modified_after(&self, date: Option<i64>) -> Match {
        match date {
            Some(date) if self.modified > date => self.holds(),
            _ => Match::No,
        }
    }

    /// `If-Modified-Since`: holds (and 304 follows) when not changed after `date`, which must not
    /// lie in the future.
    pub fn unmodified_since(&self, date: Option<i64>) -> Match {
        match date {
            Some(date) if date >= self.modified && date <= self.request => self.holds(),
            _ => Match::No,
        }
    }

    /// `If-Range` with a date: holds when it is the very time of modification, strongly or not at all.
    pub fn is_exactly(&self, date: Option<i64>) -> Match {
        if date == Some(self.modified) && self.request >= self.modified + SETTLED_AFTER {
            Match::Strong
        } else {
            Match::No
        }
    }
}

/// All conditions of a request.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// `If-Match`.
    pub if_match: Match,
    /// `If-Unmodified-Since`; see `Times::modified_after`.
    pub if_unmodified_since: Match,
    /// `If-None-Match`.
    pub if_none_match: Match,
    /// `If-Modified-Since`; see `Times::unmodified_since`.
    pub if_modified_since: Match,
}

impl Conditions {
    /// What follows from them; `get` tells GET and HEAD, the only ones that get 304.
    pub fn outcome(&self, get: bool) -> Outcome {
        if self.if_match == Match::No
            || self.if_unmodified_since.holds()
            || (!get && self.if_none_match.holds())
        {
            return Outcome::Failed;
        }
        let tags_or_dates = [self.if_none_match, self.if_modified_since];
        let refuted = self.if_unmodified_since == Match::No || tags_or_dates.contains(&Match::No);
        if get && !refuted && tags_or_dates.iter().any(|condition| condition.holds()) {
            Outcome::NotModified
        } else {
            Outcome::Proceed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Conditions = Conditions {
        if_match: Match::None,
        if_unmodified_since: Match::None,
        if_none_match: Match::None,
        if_modified_since: Match::None,
    };

    // The combinations and their answers were taken from Apache 2.4.71.
    #[test]
    fn conditions_combine_as_in_apache() {
        let both = |if_none_match, if_modified_since| Conditions {
            if_none_match,
            if_modified_since,
            ..NONE
        };
        assert_eq!(NONE.outcome(true), Outcome::Proceed);
        for (conditions, get, post) in [
            (
                both(Match::None, Match::Strong),
                Outcome::NotModified,
                Outcome::Proceed,
            ),
            (
                both(Match::None, Match::No),
                Outcome::Proceed,
                Outcome::Proceed,
            ),
            (
                both(Match::Strong, Match::None),
                Outcome::NotModified,
                Outcome::Failed,
            ),
            (
                both(Match::Strong, Match::No),
                Outcome::Proceed,
                Outcome::Failed,
            ),
            (
                both(Match::No, Match::Strong),
                Outcome::Proceed,
                Outcome::Proceed,
            ),
        ] {
            assert_eq!(conditions.outcome(true), get, "{conditions:?}");
            assert_eq!(conditions.outcome(false), post, "{conditions:?}");
        }
        let matching = Conditions {
            if_match: Match::Strong,
            ..both(Match::None, Match::Strong)
        };
        assert_eq!(matching.outcome(true), Outcome::NotModified);
        let not_matching = Conditions {
            if_match: Match::No,
            ..NONE
        };
        assert_eq!(not_matching.outcome(true), Outcome::Failed);
        let unmodified = Conditions {
            if_unmodified_since: Match::No,
            ..both(Match::Strong, Match::None)
        };
        assert_eq!(unmodified.outcome(true), Outcome::Proceed);
        assert_eq!(unmodified.outcome(false), Outcome::Failed);
        let modified = Conditions {
            if_unmodified_since: Match::Weak,
            ..NONE
        };
        assert_eq!(modified.outcome(true), Outcome::Failed);
    }

    #[test]
    fn a_fresh_file_allows_weak_comparison_only() {
        let mut times = Times {
            modified: 1000,
            request: 1059,
            ranged: false,
        };
        assert_eq!(times.unmodified_since(Some(1000)), Match::Weak);
        assert_eq!(times.is_exactly(Some(1000)), Match::No);
        times.ranged = true;
        assert_eq!(times.unmodified_since(Some(1000)), Match::No);
        times.request = 1060;
        assert_eq!(times.unmodified_since(Some(1000)), Match::Strong);
        assert_eq!(times.is_exactly(Some(1000)), Match::Strong);
        assert_eq!(times.unmodified_since(Some(1061)), Match::No);
        assert_eq!(times.unmodified_since(Some(999)), Match::No);
        assert_eq!(times.unmodified_since(None), Match::No);
        assert_eq!(times.modified_after(Some(999)), Match::Strong);
        assert_eq!(times.modified_after(Some(1000)), Match::No);
    }
}
