//! Which objects a file means by its references when a repository has several of one name.
//!
//! A repository with a folder for each environment, or with a file for each variant of a cluster, has objects of one identity
//! many times. They are never applied to one hub together. A file means those in itself, then those nearest to it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Identity, identity};
use crate::admission::Object;

/// The objects that files see.
#[derive(Debug)]
pub(super) struct Views<'set> {
    objects: &'set [&'set Object],
    files: &'set [&'set str],
    /// Objects of one identity in several files.
    variants: Vec<Vec<usize>>,
    /// For each view the first object that it has of each variant.
    choices: Vec<Vec<usize>>,
    /// The view of each object.
    pub(super) of: Vec<usize>,
}

impl<'set> Views<'set> {
    /// The views of objects, each of which lies in the file of the same position.
    pub(super) fn new(objects: &'set [&'set Object], files: &'set [&'set str]) -> Self {
        let mut by_identity: BTreeMap<Identity<'_>, Vec<usize>> = BTreeMap::new();
        for (position, object) in objects.iter().enumerate() {
            by_identity.entry(identity(&object.id)).or_default().push(position);
        }
        let file = |position: usize| files.get(position).copied().unwrap_or_default();
        let variants: Vec<Vec<usize>> = by_identity
            .into_values()
            .filter(|positions| positions.iter().any(|other| file(*other) != file(positions[0])))
            .collect();
        if variants.is_empty() {
            return Self { objects, files, variants, choices: vec![Vec::new()], of: vec![0; objects.len()] };
        }
        let mut choices = Choices::new(&variants, file);
        let of = (0..objects.len()).map(|position| choices.of_place(file(position))).collect();
        Self { objects, files, choices: choices.known, variants, of }
    }

    /// How many views there are.
    pub(super) fn count(&self) -> usize {
        self.choices.len()
    }

    /// What is seen in each view; of a repository with many variants one at a time is large enough.
    pub(super) fn sets(&self) -> impl Iterator<Item = Vec<&'set Object>> {
        let file = |position: usize| self.files.get(position).copied().unwrap_or_default();
        let everywhere: HashSet<usize> = self.variants.iter().flatten().copied().collect();
        self.choices.iter().map(move |chosen| {
            // An object that is twice in one file is twice in the view.
            let chosen: HashSet<usize> = self
                .variants
                .iter()
                .zip(chosen)
                .flat_map(|(positions, first)| {
                    positions.iter().copied().filter(move |other| file(*other) == file(*first))
                })
                .collect();
            let sees = |(position, _): &(usize, &&Object)| {
                !everywhere.contains(position) || chosen.contains(position)
            };
            self.objects.iter().enumerate().filter(sees).map(|(_, object)| *object).collect()
        })
    }
}

/// Which of several objects of one identity a place means: the first one in or below it, else the one that the folder
/// around it means.
struct Choices<'file> {
    /// For each place, what lies in or below it: an identity by its number, and the first object of it.
    below: HashMap<&'file str, BTreeMap<usize, usize>>,
    /// Different choices, each with an object for every identity.
    known: Vec<Vec<usize>>,
    numbers: HashMap<Vec<usize>, usize>,
    of_place: HashMap<&'file str, usize>,
}

impl<'file> Choices<'file> {
    fn new(variants: &[Vec<usize>], file: impl Fn(usize) -> &'file str) -> Self {
        let mut below: HashMap<&'file str, BTreeMap<usize, usize>> = HashMap::new();
        for (variant, positions) in variants.iter().enumerate() {
            for position in positions {
                let mut place = Some(file(*position));
                while let Some(here) = place {
                    below.entry(here).or_default().entry(variant).or_insert(*position);
                    place = around(here);
                }
            }
        }
        Self { below, known: Vec::new(), numbers: HashMap::new(), of_place: HashMap::new() }
    }

    /// The number of the choice of a file or folder.
    fn of_place(&mut self, place: &'file str) -> usize {
        if let Some(known) = self.of_place.get(place) {
            return *known;
        }
        let outer = around(place).map(|folder| self.of_place(folder));
        let own = self.below.get(place).into_iter().flatten();
        let of_outer = outer.and_then(|outer| self.known.get(outer));
        let number = match outer {
            Some(outer)
                if own.clone().all(|(variant, first)| {
                    of_outer.and_then(|choice| choice.get(*variant)) == Some(first)
                }) =>
            {
                outer
            }
            _ => {
                let mut choice = of_outer.cloned().unwrap_or_default();
                for (variant, first) in own {
                    match choice.get_mut(*variant) {
                        Some(chosen) => *chosen = *first,
                        // Everything lies below the outermost folder, so the first choice is complete, and in order.
                        None => choice.push(*first),
                    }
                }
                let next = self.known.len();
                *self.numbers.entry(choice).or_insert_with_key(|choice| {
                    self.known.push(choice.clone());
                    next
                })
            }
        };
        self.of_place.insert(place, number);
        number
    }
}

/// The folder around a file or folder; the empty text is around everything.
fn around(place: &str) -> Option<&str> {
    (!place.is_empty()).then(|| place.trim_end_matches('/').rsplit_once('/').map_or("", |(folder, _)| folder))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Views;
    use crate::admission::{Object, Objects};

    fn seen(files: &[(&str, &str)]) -> Vec<Vec<usize>> {
        let objects: Objects = files
            .iter()
            .map(|(_, name)| {
                Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}))
            })
            .collect();
        let names: Vec<&str> = files.iter().map(|(file, _)| *file).collect();
        let all: Vec<&Object> = objects.iter().collect();
        let views = Views::new(&all, &names);
        let sets: Vec<Vec<&Object>> = views.sets().collect();
        let position = |object: &&Object| all.iter().position(|other| std::ptr::eq(*other, *object));
        views.of.iter().map(|view| sets[*view].iter().filter_map(position).collect()).collect()
    }

    #[test]
    fn objects_of_different_names_see_each_other() {
        assert_eq!(seen(&[("a.yaml", "a"), ("b.yaml", "b")]), [[0, 1], [0, 1]]);
        assert_eq!(seen(&[("a.yaml", "a"), ("a.yaml", "a")]), [[0, 1], [0, 1]], "one file");
    }

    #[test]
    fn a_file_sees_its_own_then_the_nearest() {
        let files = [
            ("staging/cluster.yaml", "cluster"),
            ("staging/network.yaml", "network"),
            ("prod/cluster.yaml", "cluster"),
            ("prod/network.yaml", "network"),
            ("shared.yaml", "shared"),
        ];
        let (staging, prod) = (vec![0, 1, 4], vec![2, 3, 4]);
        assert_eq!(seen(&files), [&staging, &staging, &prod, &prod, &staging].map(Clone::clone));
    }
}
