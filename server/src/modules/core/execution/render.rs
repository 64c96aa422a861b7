//! The status page as text for people (HTML), for scripts (`?auto`) and for Prometheus.
#![forbid(unsafe_code)]

use std::fmt::Write;

use crate::hooks::{
    execution::Mode,
    kinds::{Sort, Summary},
};

/// What the page shows.
pub(super) struct Status {
    /// All kinds of calls.
    pub(super) kinds: Vec<(Sort, String, Summary)>,
    /// What `ModuleExecution` says.
    pub(super) overrides: Vec<(String, Mode)>,
    /// How many calls of a child may block at the same time.
    pub(super) places: usize,
    /// How many wait for that in the child that answers.
    pub(super) queued: usize,
    /// How often a thread had to take over a reactor in the child that answers.
    pub(super) taken_over: u64,
    /// The present, in seconds of the epoch.
    pub(super) now: u64,
}

/// Where calls of a kind run at present.
fn place(summary: &Summary) -> &'static str {
    match summary.slow_in {
        0 => "inline",
        all if all == summary.known_in => "offloaded",
        _ => "offloaded in some children",
    }
}

impl Status {
    fn slow_for(&self, summary: &Summary) -> Option<u64> {
        summary
            .slow_since
            .map(|since| self.now.saturating_sub(since))
    }

    /// A page for people.
    pub(super) fn html(&self) -> String {
        let mut out = String::from(
            "<!DOCTYPE html>\n<html><head><title>httpd-rs: who blocks</title>\n<style>table{border-collapse:collapse}\
             td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #ccc}</style></head>\n\
             <body><h1>Who blocks</h1>\n",
        );
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "<p>{} calls of a child may block at the same time; {} wait in this one. A reactor was \
             taken over {} times in it.</p>\n\
             <table><tr><th>kind</th><th>name</th><th>runs</th><th>for</th><th>mean</th>\
             <th>calls</th><th>moved</th><th>gave way</th><th>stalled</th><th>away now</th></tr>\n",
            self.places, self.queued, self.taken_over
        );
        for (sort, name, kind) in &self.kinds {
            let since = self
                .slow_for(kind)
                .map_or_else(String::new, |seconds| format!("{seconds} s"));
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{since}</td><td>{:.3} ms</td><td>{}</td>\
                 <td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                sort.word(),
                html(name),
                place(kind),
                kind.mean as f64 / 1000.0,
                kind.calls,
                kind.moved,
                kind.gave_away,
                kind.stalls,
                kind.away
            );
        }
        out.push_str("</table>\n");
        if !self.overrides.is_empty() {
            out.push_str("<h2>ModuleExecution</h2>\n<ul>\n");
            for (module, mode) in &self.overrides {
                let _ = writeln!(out, "<li>{} {mode}</li>", html(module));
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</body></html>\n");
        out
    }

    /// A line for each kind, its columns separated by tabs.
    pub(super) fn auto(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "Places: {}\nQueued: {}\nTakenOver: {}",
            self.places, self.queued, self.taken_over
        );
        for (module, mode) in &self.overrides {
            let _ = writeln!(out, "ModuleExecution: {module} {mode}");
        }
        out.push_str(
            "Columns: kind\tname\truns\tmean_us\tcalls\tmoved\tgave_way\tstalled\taway\tslow_for_s\n",
        );
        for (sort, name, kind) in &self.kinds {
            let since = self
                .slow_for(kind)
                .map_or_else(|| "-".to_owned(), |seconds| seconds.to_string());
            let _ = writeln!(
                out,
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{since}",
                sort.word(),
                name.replace(|c: char| c.is_control(), "?"),
                place(kind),
                kind.mean,
                kind.calls,
                kind.moved,
                kind.gave_away,
                kind.stalls,
                kind.away
            );
        }
        out
    }

    /// Prometheus's text format.
    pub(super) fn prometheus(&self) -> String {
        /// Name, type, help, value.
        type Metric = (
            &'static str,
            &'static str,
            &'static str,
            fn(&Summary) -> String,
        );
        const METRICS: [Metric; 7] = [
            (
                "mean_seconds",
                "gauge",
                "Running mean of the time that calls of a kind take.",
                |kind| (kind.mean as f64 / 1e6).to_string(),
            ),
            (
                "offloaded",
                "gauge",
                "In how many children calls of a kind are moved off the reactor.",
                |kind| kind.slow_in.to_string(),
            ),
            (
                "away",
                "gauge",
                "Calls that hold a thread off the reactor now.",
                |kind| kind.away.to_string(),
            ),
            ("calls_total", "counter", "Calls.", |kind| {
                kind.calls.to_string()
            }),
            (
                "moved_total",
                "counter",
                "Calls made off the reactor from the start.",
                |kind| kind.moved.to_string(),
            ),
            (
                "gave_way_total",
                "counter",
                "Calls that gave the reactor away when they had to wait.",
                |kind| kind.gave_away.to_string(),
            ),
            (
                "stalls_total",
                "counter",
                "Calls from which another thread had to take over.",
                |kind| kind.stalls.to_string(),
            ),
        ];
        let mut out = String::new();
        for (name, kind, help, value) in METRICS {
            let name = format!("httpd_rs_execution_{name}");
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (sort, label, summary) in &self.kinds {
                let _ = writeln!(
                    out,
                    "{name}{{kind=\"{}\",name=\"{}\"}} {}",
                    sort.word(),
                    quoted(label),
                    value(summary)
                );
            }
        }
        out
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A value of a label.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let kind = Summary {
            mean: 200_000,
            calls: 7,
            moved: 5,
            gave_away: 1,
            stalls: 1,
            away: 2,
            slow_in: 1,
            known_in: 2,
            slow_since: Some(1000),
        };
        Status {
            kinds: vec![
                (Sort::Handler, "nap \"<1>\"".to_owned(), kind),
                (
                    Sort::Request,
                    "a:80/x/".to_owned(),
                    Summary {
                        mean: 12,
                        known_in: 1,
                        ..Summary::default()
                    },
                ),
            ],
            overrides: vec![("mod_nap.c".to_owned(), Mode::Inline)],
            places: 25,
            queued: 3,
            taken_over: 1,
            now: 1060,
        }
    }

    #[test]
    fn people_scripts_and_prometheus_are_told_the_same() {
        let page = status().html();
        assert!(
            page.contains("<td>nap &quot;&lt;1&gt;&quot;</td>"),
            "{page}"
        );
        assert!(page.contains("<td>60 s</td><td>200.000 ms</td>"), "{page}");
        let auto = status().auto();
        assert!(auto.contains("Places: 25\nQueued: 3\n"), "{auto}");
        assert!(auto.contains("ModuleExecution: mod_nap.c inline\n"));
        let line = "handler\tnap \"<1>\"\toffloaded in some children\t200000\t7\t5\t1\t1\t2\t60\n";
        assert!(auto.contains(line), "{auto}");
        assert!(auto.contains("request\ta:80/x/\tinline\t12\t0\t0\t0\t0\t0\t-\n"));
        let metrics = status().prometheus();
        let line = "httpd_rs_execution_moved_total{kind=\"handler\",name=\"nap \\\"<1>\\\"\"} 5\n";
        assert!(metrics.contains(line), "{metrics}");
        assert!(metrics.contains("# TYPE httpd_rs_execution_away gauge\n"));
    }
}
