//! The graph as a picture.

use std::fmt::Write as _;

use super::{
    Graph, Node, NodeKind, Side, Why,
    layout::{Rect, layout},
    text::kind,
};

const MARGIN: f64 = 24.0;
const HEADER: f64 = 30.0;
const PADDING: f64 = 10.0;
const LINE: f64 = 15.0;
/// Mean widths of a character, for fonts of 13 and 11 pixels; rather too wide than too narrow.
const TITLE_CHARACTER: f64 = 8.2;
const TEXT_CHARACTER: f64 = 6.4;

/// An SVG image, one row of boxes for each hub namespace.
#[must_use]
pub fn svg(graph: &Graph) -> String {
    let mut body = String::new();
    let mut top = MARGIN;
    let mut width: f64 = 560.0;
    for namespace in graph.namespaces() {
        let part = graph.of(namespace);
        let sizes: Vec<(f64, f64)> = part.nodes.iter().map(size).collect();
        let layout = layout(&part, &sizes);
        let cluster = part.nodes.iter().find(|node| node.kind == NodeKind::Api);
        let title = cluster.map_or_else(
            || format!("Hub namespace {namespace}"),
            |cluster| format!("Cluster {}, hub namespace {namespace}", cluster.name),
        );
        // Writing to a String cannot fail.
        let _ = writeln!(
            body,
            r#"<text x="{MARGIN}" y="{:.0}" class="heading">{}</text>"#,
            top + 14.0,
            escape(&title)
        );
        top += HEADER;
        let _ = writeln!(body, r#"<g transform="translate({MARGIN},{top:.1})">"#);
        for (edge, points) in part.edges.iter().zip(&layout.lines) {
            line(&mut body, points, edge.why);
        }
        for (node, rect) in part.nodes.iter().zip(&layout.boxes) {
            draw(&mut body, node, *rect);
        }
        body.push_str("</g>\n");
        top += layout.height + MARGIN;
        width = width.max(layout.width + 2.0 * MARGIN);
    }
    legend(&mut body, top);
    let height = top + 46.0;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-label="What waits for what">
<style>
text {{ font-family: "DejaVu Sans", Verdana, sans-serif; fill: #111827 }}
.heading {{ font-size: 15px; font-weight: bold }}
.kind {{ font-size: 9px; fill: #4b5563 }}
.name {{ font-size: 13px; font-weight: bold }}
.content {{ font-size: 11px; fill: #374151 }}
.box {{ stroke-width: 1.2 }}
.hub {{ fill: #f3f4f6; stroke: #6b7280 }}
.workload {{ fill: #e0f2fe; stroke: #0369a1 }}
.api {{ fill: #fef3c7; stroke: #b45309 }}
.edge {{ fill: none; stroke: #374151; stroke-width: 1.3 }}
.health {{ stroke-dasharray: 6 4 }}
.kubeconfig {{ stroke: #b45309; stroke-dasharray: 2 3 }}
</style>
<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0,0.8 L10,5 L0,9.2 z" fill="#374151"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
{body}</svg>
"##
    )
}

fn size(node: &Node) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "labels are short")]
    let length = |text: &str, character: f64| text.chars().count() as f64 * character;
    let content = node.content.iter().map(|line| length(line, TEXT_CHARACTER)).fold(0.0, f64::max);
    let width = length(&node.name, TITLE_CHARACTER).max(content).max(length(kind(node), 6.0));
    #[expect(clippy::cast_precision_loss, reason = "a stage has a handful of releases")]
    let lines = node.content.len() as f64;
    (width + 2.0 * PADDING, 38.0 + lines * LINE + if lines > 0.0 { 6.0 } else { 0.0 })
}

fn draw(out: &mut String, node: &Node, rect: Rect) {
    let class = match (node.kind, node.side) {
        (NodeKind::Api, _) => "api",
        (_, Side::Hub) => "hub",
        (_, Side::Workload) => "workload",
    };
    let radius = if node.kind == NodeKind::HelmRelease { 14 } else { 4 };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" rx="{radius}" class="box {class}"/>"#,
        rect.left, rect.top, rect.width, rect.height
    );
    let left = rect.left + PADDING;
    let mut text = |class: &str, y: f64, words: &str| {
        let _ = writeln!(out, r#"<text x="{left:.1}" y="{y:.1}" class="{class}">{}</text>"#, escape(words));
    };
    text("kind", rect.top + 13.0, kind(node));
    text("name", rect.top + 28.0, &node.name);
    let mut y = rect.top + 46.0;
    for line in &node.content {
        text("content", y, line);
        y += LINE;
    }
}

/// A line through its points: level at each of them, so that it leaves and reaches boxes at their sides.
fn line(out: &mut String, points: &[(f64, f64)], why: Why) {
    let Some((first, rest)) = points.split_first() else { return };
    let mut path = format!("M{:.1},{:.1}", first.0, first.1);
    let mut last = *first;
    for point in rest {
        let bend = (point.0 - last.0) / 2.0;
        // Writing to a String cannot fail.
        let _ = write!(
            path,
            " C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}",
            last.0 + bend,
            last.1,
            point.0 - bend,
            point.1,
            point.0,
            point.1
        );
        last = *point;
    }
    let class = match why {
        Why::DependsOn => "edge",
        Why::Health => "edge health",
        Why::Kubeconfig => "edge kubeconfig",
    };
    let _ = writeln!(out, r#"<path d="{path}" class="{class}" marker-end="url(#arrow)"/>"#);
}

fn legend(out: &mut String, top: f64) {
    let mut left = MARGIN;
    for (class, words) in
        [("api", "the cluster's API"), ("workload", "lands on the cluster"), ("hub", "stays on the hub")]
    {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            r#"<rect x="{left:.0}" y="{top:.0}" width="14" height="14" rx="3" class="box {class}"/><text x="{:.0}" y="{:.0}" class="content">{words}</text>"#,
            left + 20.0,
            top + 11.0
        );
        left += 160.0;
    }
    left = MARGIN;
    let y = top + 28.0;
    for (class, words) in [
        ("edge", "waits until ready"),
        ("edge health", "gate reads the health"),
        ("edge kubeconfig", "needs only the API"),
    ] {
        let _ = writeln!(
            out,
            r#"<path d="M{left:.0},{y:.0} h24" class="{class}" marker-end="url(#arrow)"/><text x="{:.0}" y="{:.0}" class="content">{words}</text>"#,
            left + 30.0,
            y + 4.0
        );
        left += 160.0;
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
