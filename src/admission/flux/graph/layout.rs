//! Places for boxes in layers, from left to right in the order of the bring-up.
//!
//! The way of Sugiyama, Tagawa and Toda: layers by the longest path, stand-ins where an edge passes a layer, the order in a
//! layer by the mean of the neighbours, places as near to the neighbours as the gaps allow.

use super::Graph;

/// Space between layers, in which edges run.
const BETWEEN_LAYERS: f64 = 64.0;
/// Space between two boxes of a layer.
const BETWEEN_BOXES: f64 = 18.0;
/// Space around an edge that passes a layer.
const BETWEEN_LINES: f64 = 10.0;
/// Rounds of ordering and placing; both settle long before.
const ROUNDS: usize = 24;

/// Where a box is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A drawing without colours.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// The boxes, in the order of the nodes.
    pub(super) boxes: Vec<Rect>,
    /// The points of each edge: its ends, and in between the two sides of each layer that it passes.
    pub(super) lines: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

struct Item {
    /// The node; none for a stand-in.
    node: Option<usize>,
    layer: usize,
    height: f64,
    centre: f64,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Lays a graph out. Sizes are those of the nodes' boxes.
pub(super) fn layout(graph: &Graph, sizes: &[(f64, f64)]) -> Layout {
    let layers = layers(graph);
    let mut items: Vec<Item> = (0..graph.nodes.len())
        .map(|node| Item {
            node: Some(node),
            layer: layers[node],
            height: sizes[node].1,
            centre: 0.0,
            before: Vec::new(),
            after: Vec::new(),
        })
        .collect();
    let mut ways: Vec<Vec<usize>> = Vec::new();
    for edge in &graph.edges {
        let mut way = vec![edge.from];
        for layer in layers[edge.from] + 1..layers[edge.to] {
            items.push(Item {
                node: None,
                layer,
                height: 0.0,
                centre: 0.0,
                before: Vec::new(),
                after: Vec::new(),
            });
            way.push(items.len() - 1);
        }
        way.push(edge.to);
        for pair in way.windows(2) {
            items[pair[0]].after.push(pair[1]);
            items[pair[1]].before.push(pair[0]);
        }
        ways.push(way);
    }
    let count = layers.iter().max().map_or(0, |last| last + 1);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (position, item) in items.iter().enumerate() {
        columns[item.layer].push(position);
    }
    order(&items, &mut columns);
    place(&mut items, &columns);
    finish(graph, &items, &columns, &ways, sizes)
}

/// The longest path that leads to each node. A node of a circle, which is another finding, gets what the rounds gave it.
fn layers(graph: &Graph) -> Vec<usize> {
    let mut layers = vec![0; graph.nodes.len()];
    for _ in 0..graph.nodes.len() {
        let mut changed = false;
        for edge in &graph.edges {
            if layers[edge.to] <= layers[edge.from] && layers[edge.from] + 1 < graph.nodes.len() {
                layers[edge.to] = layers[edge.from] + 1;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    // An edge against the direction, out of a circle, would have no way.
    layers
}

fn order(items: &[Item], columns: &mut [Vec<usize>]) {
    let mut rank = vec![0.0; items.len()];
    let number = |columns: &[Vec<usize>], rank: &mut Vec<f64>| {
        for column in columns {
            for (position, item) in column.iter().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "a layer has a handful of boxes")]
                let value = position as f64;
                rank[*item] = value;
            }
        }
    };
    number(columns, &mut rank);
    let mut best = (crossings(items, columns), columns.to_vec());
    for round in 0..ROUNDS {
        let forward = round % 2 == 0;
        let positions: Vec<usize> =
            if forward { (0..columns.len()).collect() } else { (0..columns.len()).rev().collect() };
        for column in positions {
            let mean = |item: &usize| {
                let neighbours = if forward { &items[*item].before } else { &items[*item].after };
                mean(neighbours.iter().map(|other| rank[*other])).unwrap_or(rank[*item])
            };
            let mut sorted: Vec<(f64, usize)> =
                columns[column].iter().map(|item| (mean(item), *item)).collect();
            sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
            columns[column] = sorted.into_iter().map(|(_, item)| item).collect();
            number(columns, &mut rank);
        }
        let count = crossings(items, columns);
        if count < best.0 {
            best = (count, columns.to_vec());
        }
    }
    columns.clone_from_slice(&best.1);
}

fn crossings(items: &[Item], columns: &[Vec<usize>]) -> usize {
    let mut position = vec![0; items.len()];
    for column in columns {
        for (place, item) in column.iter().enumerate() {
            position[*item] = place;
        }
    }
    columns
        .iter()
        .map(|column| {
            let edges: Vec<(usize, usize)> = column
                .iter()
                .flat_map(|item| items[*item].after.iter().map(|to| (position[*item], position[*to])))
                .collect();
            let crosses = |(one, two): (&(usize, usize), &(usize, usize))| {
                (one.0 < two.0 && one.1 > two.1) || (one.0 > two.0 && one.1 < two.1)
            };
            edges
                .iter()
                .enumerate()
                .map(|(number, one)| edges[..number].iter().filter(|two| crosses((one, two))).count())
                .sum::<usize>()
        })
        .sum()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

fn gap(above: &Item, below: &Item) -> f64 {
    let space = if above.node.is_some() && below.node.is_some() { BETWEEN_BOXES } else { BETWEEN_LINES };
    above.height / 2.0 + below.height / 2.0 + space
}

fn place(items: &mut [Item], columns: &[Vec<usize>]) {
    for column in columns {
        let mut centre = 0.0;
        for (number, item) in column.iter().enumerate() {
            if number > 0 {
                centre += gap(&items[column[number - 1]], &items[*item]);
            }
            items[*item].centre = centre;
        }
    }
    for round in 0..ROUNDS {
        let order: Vec<usize> =
            if round % 2 == 0 { (0..columns.len()).collect() } else { (0..columns.len()).rev().collect() };
        for number in order {
            let column = &columns[number];
            let wanted: Vec<f64> = column
                .iter()
                .map(|item| {
                    let neighbours = items[*item].before.iter().chain(&items[*item].after);
                    mean(neighbours.map(|other| items[*other].centre)).unwrap_or(items[*item].centre)
                })
                .collect();
            // Pushed down where it is too tight, pushed up where it is too tight, and the mean of both.
            let mut down = wanted.clone();
            for place in 1..column.len() {
                let least = down[place - 1] + gap(&items[column[place - 1]], &items[column[place]]);
                down[place] = down[place].max(least);
            }
            let mut up = wanted;
            for place in (1..column.len()).rev() {
                let most = up[place] - gap(&items[column[place - 1]], &items[column[place]]);
                up[place - 1] = up[place - 1].min(most);
            }
            for (place, item) in column.iter().enumerate() {
                items[*item].centre = f64::midpoint(down[place], up[place]);
            }
        }
    }
}

fn finish(
    graph: &Graph,
    items: &[Item],
    columns: &[Vec<usize>],
    ways: &[Vec<usize>],
    sizes: &[(f64, f64)],
) -> Layout {
    let top = items.iter().map(|item| item.centre - item.height / 2.0).fold(f64::INFINITY, f64::min);
    let top = if top.is_finite() { top } else { 0.0 };
    let mut lefts = Vec::new();
    let mut left = 0.0;
    for column in columns {
        let width =
            column.iter().filter_map(|item| items[*item].node.map(|node| sizes[node].0)).fold(0.0, f64::max);
        lefts.push((left, width));
        left += width + BETWEEN_LAYERS;
    }
    let boxes: Vec<Rect> = (0..graph.nodes.len())
        .map(|node| {
            let (left, width) = lefts[items[node].layer];
            let height = sizes[node].1;
            Rect { left, top: items[node].centre - height / 2.0 - top, width, height }
        })
        .collect();
    let lines = ways
        .iter()
        .map(|way| {
            let mut points = Vec::new();
            for (number, item) in way.iter().enumerate() {
                let (left, width) = lefts[items[*item].layer];
                let centre = items[*item].centre - top;
                if number > 0 {
                    points.push((left, centre));
                }
                if number + 1 < way.len() {
                    points.push((left + width, centre));
                }
            }
            points
        })
        .collect();
    Layout {
        height: boxes.iter().map(|rect| rect.top + rect.height).fold(0.0, f64::max),
        width: (left - BETWEEN_LAYERS).max(0.0),
        boxes,
        lines,
    }
}
