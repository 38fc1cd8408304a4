//! Which objects a file means by its references when a repository has several of one name.
//!
//! A repository with a folder for each environment, or with a file for each variant of a cluster, has objects of one identity
//! many times. They are never applied to one hub together. A file means those in itself, then those nearest to it.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use super::{Identity, identity};
use crate::admission::Object;

/// The objects that files see.
#[derive(Debug, Default)]
pub(super) struct Views<'set> {
    /// Sets in which every identity of another file is there once.
    pub(super) sets: Vec<Vec<&'set Object>>,
    /// The position in `sets` of what each object sees.
    pub(super) of: Vec<usize>,
}

impl<'set> Views<'set> {
    /// The views of objects, each of which lies in the file of the same position.
    pub(super) fn new(objects: &[&'set Object], files: &[&str]) -> Self {
        let mut by_identity: BTreeMap<Identity<'_>, Vec<usize>> = BTreeMap::new();
        for (position, object) in objects.iter().enumerate() {
            by_identity.entry(identity(&object.id)).or_default().push(position);
        }
        let file = |position: usize| files.get(position).copied().unwrap_or_default();
        let mut seen_by_all = vec![true; objects.len()];
        let variants: Vec<Vec<usize>> = by_identity
            .into_values()
            .filter(|positions| positions.iter().any(|other| file(*other) != file(positions[0])))
            .inspect(|positions| positions.iter().for_each(|position| seen_by_all[*position] = false))
            .collect();
        if variants.is_empty() {
            return Self { sets: vec![objects.to_vec()], of: vec![0; objects.len()] };
        }
        let mut views = Self { sets: Vec::new(), of: Vec::with_capacity(objects.len()) };
        let mut of_file: HashMap<&str, usize> = HashMap::new();
        let mut of_choice: HashMap<Vec<usize>, usize> = HashMap::new();
        for position in 0..objects.len() {
            let own = file(position);
            let view = *of_file.entry(own).or_insert_with(|| {
                let mut chosen: Vec<usize> =
                    variants.iter().flat_map(|positions| nearest(own, positions, file)).collect();
                chosen.sort_unstable();
                *of_choice.entry(chosen).or_insert_with_key(|chosen| {
                    let sees = |(other, _): &(usize, &&'set Object)| {
                        seen_by_all[*other] || chosen.binary_search(other).is_ok()
                    };
                    views
                        .sets
                        .push(objects.iter().enumerate().filter(sees).map(|(_, object)| *object).collect());
                    views.sets.len() - 1
                })
            });
            views.of.push(view);
        }
        views
    }
}

/// Those in the file itself, or the first one of those with the longest way of folders in common.
fn nearest<'file>(own: &str, positions: &[usize], file: impl Fn(usize) -> &'file str) -> Vec<usize> {
    let inside: Vec<usize> = positions.iter().copied().filter(|position| file(*position) == own).collect();
    if !inside.is_empty() {
        return inside;
    }
    let common = |position: &usize| {
        let folders = |path| Path::new(path).parent().into_iter().flat_map(Path::components);
        folders(own).zip(folders(file(*position))).take_while(|(own, other)| own == other).count()
    };
    // The first one of several: `max_by_key` gives the last.
    positions.iter().rev().max_by_key(|position| common(position)).copied().into_iter().collect()
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
        let position = |object: &&Object| all.iter().position(|other| std::ptr::eq(*other, *object));
        views.of.iter().map(|view| views.sets[*view].iter().filter_map(position).collect()).collect()
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
