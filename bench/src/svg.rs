//! Bars on a logarithmic scale, written as SVG.

use std::fmt::Write as _;

/// A group of bars with its name, and marks across the group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// What it is called.
    pub(crate) name: String,
    /// One value for each series; none leaves a gap.
    pub(crate) values: Vec<Option<f64>>,
    /// One place for each mark; none leaves it out.
    pub(crate) marks: Vec<Option<f64>>,
}

/// A chart of horizontal bars.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// What stands above.
    pub(crate) title: String,
    /// What stands below the scale.
    pub(crate) scale: String,
    /// The names of the series.
    pub(crate) series: Vec<String>,
    /// The names of the marks.
    pub(crate) marks: Vec<String>,
    /// From top to bottom.
    pub(crate) groups: Vec<Group>,
}

/// Colours that people with any kind of sight tell apart (Okabe and Ito's), in the order of the series.
const SERIES: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999"];
const MARKS: [&str; 2] = ["#d55e00", "#000000"];

const WIDTH: f64 = 900.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 56.0;
const BAR: f64 = 14.0;
const BETWEEN: f64 = 12.0;

/// Where a value is on the scale.
#[derive(Clone, Copy, Debug)]
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// Wide enough for every value, for 1, and for the room of a decade's half on either side.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| *value > 0.0)
            .fold((1.0_f64, 2.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        Self { low: low * 0.7, high: high * 1.2 }
    }

    fn x(self, value: f64) -> f64 {
        let share = (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    /// Round numbers that are on the scale: more of each decade when there are few decades.
    fn ticks(self) -> Vec<f64> {
        let digits: &[f64] =
            if self.high / self.low < 50.0 { &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0] } else { &[1.0, 2.0, 5.0] };
        let decades = (self.low.log10().floor() as i32)..=(self.high.log10().ceil() as i32);
        let all = decades.flat_map(|decade| digits.iter().map(move |digit| digit * 10_f64.powi(decade)));
        all.filter(|tick| (self.low..=self.high).contains(tick)).collect()
    }
}

impl Chart {
    /// The whole document.
    pub(crate) fn svg(&self) -> String {
        let values = self.groups.iter().flat_map(|group| group.values.iter().chain(&group.marks)).flatten().copied();
        let scale = Scale::of(values);
        let group = BAR * self.series.len().max(1) as f64 + BETWEEN;
        let height = TOP + group * self.groups.len() as f64 + BOTTOM;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        text(&mut out, (LEFT, 26.0), "start", &self.title, "font-weight=\"bold\" font-size=\"16\"");
        self.legend(&mut out);
        self.axis(&mut out, scale, height - BOTTOM);
        for (at, it) in self.groups.iter().enumerate() {
            it.draw(&mut out, scale, TOP + group * at as f64 + BETWEEN / 2.0);
        }
        out.push_str("</svg>\n");
        out
    }

    fn legend(&self, out: &mut String) {
        let mut x = LEFT;
        let series = self.series.iter().zip(SERIES.iter().cycle()).map(|(name, colour)| (name, colour, 12.0));
        let marks = self.marks.iter().zip(MARKS.iter().cycle()).map(|(name, colour)| (name, colour, 3.0));
        for (name, colour, width) in series.chain(marks) {
            rectangle(out, (x, 46.0), (width, 12.0), colour);
            text(out, (x + width + 5.0, 57.0), "start", name, "");
            x += width + 30.0 + 7.5 * name.chars().count() as f64;
        }
    }

    fn axis(&self, out: &mut String, scale: Scale, bottom: f64) {
        for tick in scale.ticks() {
            let x = scale.x(tick);
            // What everything is compared with stands out.
            let colour = if (tick - 1.0).abs() < 1e-9 { "#444444" } else { "#dddddd" };
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\"/>",
                TOP - 6.0
            );
            text(out, (x, bottom + 18.0), "middle", &format!("{}", (tick * 1e3).round() / 1e3), "");
        }
        text(out, ((LEFT + WIDTH - RIGHT) / 2.0, bottom + 40.0), "middle", &self.scale, "");
    }
}

impl Group {
    fn draw(&self, out: &mut String, scale: Scale, top: f64) {
        let height = BAR * self.values.len().max(1) as f64;
        text(out, (LEFT - 10.0, top + height / 2.0 + 4.5), "end", &self.name, "");
        for (at, (value, colour)) in self.values.iter().zip(SERIES.iter().cycle()).enumerate() {
            let Some(value) = value else { continue };
            let (y, end) = (top + BAR * at as f64, scale.x(*value));
            rectangle(out, (LEFT, y + 1.0), (end - LEFT, BAR - 2.0), colour);
            text(out, (end + 5.0, y + BAR - 3.0), "start", &format!("{value:.2}"), "font-size=\"11\"");
        }
        for (mark, colour) in self.marks.iter().zip(MARKS.iter().cycle()) {
            let Some(mark) = mark else { continue };
            rectangle(out, (scale.x(*mark) - 1.5, top - 3.0), (3.0, height + 6.0), colour);
        }
    }
}

fn rectangle(out: &mut String, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>",
        width.max(0.0)
    );
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, words: &str, style: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {style}>{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        Chart {
            title: "a < b & c".to_owned(),
            scale: "times".to_owned(),
            series: vec!["one".to_owned(), "two".to_owned()],
            marks: vec!["must".to_owned()],
            groups: vec![
                Group { name: "small".to_owned(), values: vec![Some(0.5), Some(40.0)], marks: vec![Some(2.0)] },
                Group { name: "large".to_owned(), values: vec![None, Some(3.0)], marks: vec![None] },
            ],
        }
    }

    #[test]
    fn places_are_in_order_and_inside() {
        let scale = Scale::of([0.5, 40.0].into_iter());
        assert!(LEFT < scale.x(0.5) && scale.x(0.5) < scale.x(1.0) && scale.x(40.0) < WIDTH - RIGHT);
        assert!((scale.x(2.0) - scale.x(1.0) - (scale.x(20.0) - scale.x(10.0))).abs() < 1e-6);
        let ticks = scale.ticks();
        assert!(ticks.contains(&1.0) && ticks.contains(&20.0) && !ticks.contains(&100.0) && !ticks.contains(&1.5));
        assert!(Scale::of([3.0].into_iter()).ticks().contains(&1.5));
    }

    #[test]
    fn every_value_is_a_bar_and_every_name_is_there() {
        let svg = chart().svg();
        assert_eq!(svg.matches("<rect").count(), 1 + 3 + 3 + 1, "background, legend, bars, mark");
        for part in ["small", "large", "one", "two", "must", "times", "a &lt; b &amp; c", "40.00"] {
            assert!(svg.contains(part), "{part}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn an_empty_chart_is_a_document_too() {
        let svg = Chart { groups: Vec::new(), series: Vec::new(), ..chart() }.svg();
        assert!(svg.ends_with("</svg>\n"));
    }
}
