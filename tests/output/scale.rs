//! How fast: run with `cargo test --release --test output scale -- --ignored --nocapture`.

use std::{path::Path, time::Instant};

use infraflux::output::{Tree, Writer};

use super::{cluster, write};

fn measure(what: &str, files: usize, run: impl FnOnce()) {
    let begin = Instant::now();
    run();
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a measurement for people")]
    let rate = files as f64 / seconds;
    println!("{what:<44} {:>9.1} ms {rate:>9.0} files/s", seconds * 1e3);
}

#[test]
#[ignore = "a measurement"]
fn a_thousand_clusters() {
    let folder =
        tempfile::tempdir_in(std::env::var("INFRAFLUX_TEST_DISK").unwrap_or_else(|_| ".".to_owned()))
            .unwrap();
    let fleet =
        |text: &str| -> Vec<Tree> { (0..1000).map(|number| cluster(&format!("c{number}"), text)).collect() };
    let (first, second) = (fleet("x"), fleet("y"));
    let mut one = fleet("x");
    one[500] = cluster("c500", "z");
    let files = 12_000;
    let out = folder.path().join("out");
    measure("first write, 1,000 clusters x 12 files", files, || drop(write(&out, &first)));
    for _ in 0..3 {
        measure("nothing changed", files, || assert_eq!(write(&out, &first).summary.counts().changes(), 0));
    }
    measure("dry run, nothing changed", files, || drop(Writer::new(&out).plan(&first).unwrap()));
    measure("one cluster of 1,000 changed", files, || {
        assert_eq!(write(&out, &one).summary.counts().changed, 12);
    });
    let portions = |out: &Path, trees: &[Tree]| {
        let mut session = Writer::new(out).begin().unwrap();
        trees.chunks(64).for_each(|portion| session.add(portion));
        drop(session.finish().unwrap());
    };
    measure("every file changed, in portions of 64", files, || portions(&out, &second));
    measure("one file of each cluster changed", files, || {
        let trees: Vec<Tree> = second
            .iter()
            .map(|tree| {
                let mut changed = Tree::new(tree.name()).unwrap();
                for (path, bytes) in tree.files() {
                    let bytes = if path.as_str() == "SECRETS.md" { b"new" } else { bytes };
                    changed.insert(path.clone(), bytes).unwrap();
                }
                changed
            })
            .collect();
        assert_eq!(write(&out, &trees).summary.counts().changed, 1000);
    });
    measure("every cluster removed", files, || {
        let trees: Vec<Tree> = first.iter().map(|tree| Tree::new(tree.name()).unwrap()).collect();
        assert_eq!(write(&out, &trees).summary.counts().removed, files);
    });
}
