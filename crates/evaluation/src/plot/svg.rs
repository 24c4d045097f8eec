//! A plot as SVG.

use std::fmt::Write;

use super::axis::Scale;
use super::{Plot, Series, Style};
use crate::text::escape;

const WIDTH: f64 = 640.0;
/// Left, right, top and height of the area of the data.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 616.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 412.0;
/// First line of the legend, and from line to line.
const LEGEND: f64 = 492.0;
const LEGEND_LINE: f64 = 26.0;
/// About the width of a letter of the legend; more than it takes, so that names do not run together.
const LETTER: f64 = 8.6;
/// Width of the sample of a line with the space around it.
const SAMPLE: f64 = 58.0;
/// Most letters of a name in the legend.
const MOST_LETTERS: usize = 60;
/// Okabe and Ito's colours, which people with any colour vision tell apart, without the yellow one,
/// which is faint on white.
const COLOURS: [&str; 7] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
];
/// Dashes that go with the colours, for those who see none.
const DASHES: [&str; 7] = ["", "9 4", "2 4", "9 4 2 4", "14 4", "5 3", "1 3"];
/// Grey of references.
const GREY: &str = "#6b6b6b";

impl Plot {
    /// The plot as a stand-alone document, which can also stand inside HTML. `id` tells apart what
    /// stands in one page; letters and digits of it count.
    #[must_use]
    pub fn to_svg(&self, id: &str) -> String {
        let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        let points = || self.series.iter().flat_map(|series| &series.points);
        let intervals = self
            .series
            .iter()
            .filter_map(|series| series.intervals.as_ref());
        let ends = intervals
            .flatten()
            .flat_map(|(lower, upper)| [*lower, *upper]);
        let drawing = Drawing {
            x: Scale::new(self.x.range, points().map(|point| point.0)),
            y: Scale::new(self.y.range, points().map(|point| point.1).chain(ends)),
        };
        let mut legend = String::new();
        let height = self.legend(&mut legend);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" role=\"img\" \
             viewBox=\"0 0 {WIDTH} {height}\" aria-labelledby=\"t{id} d{id}\" \
             font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" font-size=\"16\">\n\
             <title id=\"t{id}\">{}</title>\n<desc id=\"d{id}\">{}</desc>\n\
             <clipPath id=\"c{id}\"><rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/></clipPath>\n\
             <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <text class=\"ink\" x=\"{LEFT}\" y=\"30\" font-size=\"20\" font-weight=\"600\" \
             fill=\"#1a1a1a\">{}</text>\n",
            escape(&self.title),
            escape(&self.description),
            RIGHT - LEFT,
            BOTTOM - TOP,
            escape(&self.title),
        );
        self.axes(&mut svg, &drawing);
        svg.push_str(&format!("<g clip-path=\"url(#c{id})\">\n"));
        for (series, look) in self.looks() {
            drawing.series(&mut svg, series, &look);
        }
        svg.push_str("</g>\n");
        svg.push_str(&legend);
        svg.push_str("</svg>\n");
        svg
    }

    /// Each series with its colour; references take none.
    fn looks(&self) -> impl Iterator<Item = (&Series, Look)> {
        let mut coloured = 0;
        self.series.iter().map(move |series| {
            if series.style == Style::Reference {
                let look = Look {
                    colour: GREY,
                    dash: "4 4",
                    width: 1.5,
                    mark: 0,
                };
                return (series, look);
            }
            let place = coloured % COLOURS.len();
            coloured += 1;
            let look = Look {
                colour: COLOURS[place],
                dash: DASHES[place],
                width: 2.5,
                mark: place,
            };
            (series, look)
        })
    }

    fn axes(&self, svg: &mut String, drawing: &Drawing) {
        for (place, text) in &drawing.x.ticks {
            let x = drawing.x(*place);
            push(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{BOTTOM}\" stroke=\"#e3e3e3\"/>\n\
                 <text class=\"ink\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#1a1a1a\">{text}</text>\n",
                    BOTTOM + 24.0,
                ),
            );
        }
        for (place, text) in &drawing.y.ticks {
            let y = drawing.y(*place);
            push(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\" stroke=\"#e3e3e3\"/>\n\
                 <text class=\"ink\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#1a1a1a\">{text}</text>\n",
                    LEFT - 10.0,
                    y + 5.5,
                ),
            );
        }
        let (centre, middle) = ((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
        push(
            svg,
            format_args!(
                "<path class=\"axis\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"#1a1a1a\" stroke-width=\"1.5\"/>\n\
             <text class=\"ink\" x=\"{centre}\" y=\"{}\" text-anchor=\"middle\" fill=\"#1a1a1a\">{}</text>\n\
             <text class=\"ink\" transform=\"translate(24 {middle}) rotate(-90)\" text-anchor=\"middle\" fill=\"#1a1a1a\">{}</text>\n",
                BOTTOM + 50.0,
                escape(&self.x.label),
                escape(&self.y.label),
            ),
        );
    }

    /// Draws the legend below the plot, in as many lines as it needs, and says the height of all.
    fn legend(&self, svg: &mut String) -> f64 {
        let (mut x, mut y) = (LEFT, LEGEND);
        for (series, look) in self.looks() {
            let mut name: String = series.name.chars().take(MOST_LETTERS).collect();
            if name.len() < series.name.len() {
                name.push('\u{2026}');
            }
            let width = SAMPLE + LETTER * name.chars().count() as f64;
            if x > LEFT && x + width > WIDTH {
                (x, y) = (LEFT, y + LEGEND_LINE);
            }
            let height = y - 5.0;
            push(
                svg,
                format_args!(
                    "<path{} d=\"M{x:.1} {height}h34\" fill=\"none\"{}/>\n",
                    look.class(),
                    look.stroke(),
                ),
            );
            if series.style == Style::Marks {
                look.push_mark(svg, x + 17.0, height);
            }
            push(
                svg,
                format_args!(
                    "<text class=\"ink\" x=\"{:.1}\" y=\"{y}\" fill=\"#1a1a1a\">{}</text>\n",
                    x + 42.0,
                    escape(&name),
                ),
            );
            x += width;
        }
        y + 18.0
    }
}

/// Writing to a string does not fail.
fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = svg.write_fmt(text);
}

/// How a series looks.
struct Look {
    colour: &'static str,
    dash: &'static str,
    width: f64,
    /// Which shape.
    mark: usize,
}

impl Look {
    fn stroke(&self) -> String {
        let dash = match self.dash {
            "" => String::new(),
            dash => format!(" stroke-dasharray=\"{dash}\""),
        };
        let (colour, width) = (self.colour, self.width);
        format!(" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}")
    }

    /// Black is the ink, which a dark page turns around.
    fn class(&self) -> &'static str {
        match self.colour {
            "#000000" => " class=\"black\"",
            _ => "",
        }
    }

    fn mark_class(&self) -> &'static str {
        match self.colour {
            "#000000" => " class=\"black-mark\"",
            _ => "",
        }
    }

    /// Circle, square, diamond or triangle.
    fn push_mark(&self, svg: &mut String, x: f64, y: f64) {
        let path = match self.mark % 4 {
            0 => format!("M{:.1} {y:.1}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z", x - 5.0),
            1 => format!("M{:.1} {:.1}h9v9h-9z", x - 4.5, y - 4.5),
            2 => format!("M{x:.1} {:.1}l6 6l-6 6l-6 -6z", y - 6.0),
            _ => format!("M{x:.1} {:.1}l6 10h-12z", y - 6.0),
        };
        push(
            svg,
            format_args!(
                "<path{} d=\"{path}\" fill=\"{}\"/>\n",
                self.mark_class(),
                self.colour
            ),
        );
    }
}

/// Places of the data on the paper.
struct Drawing {
    x: Scale,
    y: Scale,
}

impl Drawing {
    fn x(&self, value: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * self.x.share(value)
    }

    /// Far outside the plot, but not so far that programs choke on the number.
    fn y(&self, value: f64) -> f64 {
        (BOTTOM - (BOTTOM - TOP) * self.y.share(value)).clamp(-9_999.0, 9_999.0)
    }

    fn series(&self, svg: &mut String, series: &Series, look: &Look) {
        let steps = series.style == Style::Steps;
        match (&series.intervals, series.style) {
            (Some(intervals), Style::Line | Style::Steps) => {
                self.band(svg, &series.points, intervals, steps, look);
            }
            (Some(intervals), Style::Marks) => self.bars(svg, &series.points, intervals, look),
            _ => {}
        }
        let path = self.path(series.points.iter().copied(), steps);
        push(
            svg,
            format_args!(
                "<path{} d=\"{path}\" fill=\"none\"{}/>\n",
                look.class(),
                look.stroke(),
            ),
        );
        if series.style == Style::Marks {
            for (x, y) in series.points.iter().filter(|(x, y)| (x + y).is_finite()) {
                look.push_mark(svg, self.x(*x), self.y(*y));
            }
        }
    }

    /// A line that ends and begins anew where a point is not finite.
    fn path(&self, points: impl Iterator<Item = (f64, f64)>, steps: bool) -> String {
        let mut path = String::new();
        let mut drawing = false;
        for (x, y) in points {
            if !(x + y).is_finite() {
                drawing = false;
                continue;
            }
            let (x, y) = (self.x(x), self.y(y));
            match (drawing, steps) {
                (false, _) => push(&mut path, format_args!("M{x:.1} {y:.1}")),
                (true, true) => push(&mut path, format_args!("H{x:.1}V{y:.1}")),
                (true, false) => push(&mut path, format_args!("L{x:.1} {y:.1}")),
            }
            drawing = true;
        }
        path
    }

    fn band(
        &self,
        svg: &mut String,
        points: &[(f64, f64)],
        intervals: &[(f64, f64)],
        steps: bool,
        look: &Look,
    ) {
        let whole = points.iter().zip(intervals);
        let whole = whole.filter(|((x, _), (lower, upper))| (x + lower + upper).is_finite());
        let whole: Vec<(f64, f64, f64)> = whole.map(|(p, (l, u))| (p.0, *l, *u)).collect();
        if whole.is_empty() {
            return;
        }
        let edge = |pick: fn(&(f64, f64, f64)) -> f64| -> Vec<(f64, f64)> {
            let mut edge = Vec::new();
            for own in &whole {
                if let (true, Some((_, level))) = (steps, edge.last().copied()) {
                    edge.push((own.0, level));
                }
                edge.push((own.0, pick(own)));
            }
            edge
        };
        let there = edge(|own| own.1);
        let back = edge(|own| own.2);
        let path = self.path(there.into_iter().chain(back.into_iter().rev()), false);
        push(
            svg,
            format_args!(
                "<path d=\"{path}Z\" fill=\"{}\" fill-opacity=\"0.18\"/>\n",
                look.colour
            ),
        );
    }

    fn bars(&self, svg: &mut String, points: &[(f64, f64)], intervals: &[(f64, f64)], look: &Look) {
        for ((x, _), (lower, upper)) in points.iter().zip(intervals) {
            if !(x + lower + upper).is_finite() {
                continue;
            }
            let (x, lower, upper) = (self.x(*x), self.y(*lower), self.y(*upper));
            push(
                svg,
                format_args!(
                    "<path{} d=\"M{x:.1} {lower:.1}V{upper:.1}M{:.1} {lower:.1}h10M{:.1} {upper:.1}h10\" \
                 fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n",
                    look.class(),
                    x - 5.0,
                    x - 5.0,
                    look.colour,
                ),
            );
        }
    }
}
