//! A close look at a file, for a check.

use std::time::Instant;

use super::{FileServer, as_error};
use crate::backend::kea::file::Checked;
use crate::engine::port::{Point, Topic, Verdict};

impl FileServer {
    pub(super) async fn look_closely(&self) -> Vec<Point> {
        let asked = Instant::now();
        let file = match self.fresh().await {
            Ok(fresh) => fresh.file,
            Err(error) => return vec![Point::failed(Topic::Reach, &error)],
        };
        let took = asked.elapsed().as_secs_f64() * 1e3;
        let reach = Point::ok(Topic::Reach, format!("a file, no running server; reading it took {took:.0} ms"));
        if self.policy().read_only {
            let never = Point::new(Topic::Saving, Verdict::NotAsked, "the server is read-only: nothing is ever saved");
            return vec![reach, never];
        }
        let options = self.policy().options.clone();
        let looked = self.blocking(move || Ok((file.may_replace(), file.test(&options).map_err(as_error))));
        match looked.await {
            Ok((writable, tested)) => {
                let test = tested.map_or_else(|error| Point::failed(Topic::Test, &error), test);
                vec![reach, test, saving(writable)]
            }
            Err(error) => vec![reach, Point::failed(Topic::Saving, &error)],
        }
    }
}

/// Who tests a new file, and took the old one.
fn test(tester: Checked) -> Point {
    match tester {
        Checked::Accepted(program) => {
            let found = format!("a new file is tested by {}, which takes this one", program.display());
            Point::ok(Topic::Test, found)
        }
        Checked::NotInstalled => {
            Point::warning(Topic::Test, "no kea-dhcp4 is installed here: a new file goes untested")
                .hint("name a program that tests files in check, or say check = \"off\"")
        }
        Checked::Off => Point::ok(Topic::Test, "none, as its entry says (check = \"off\")"),
    }
}

fn saving([file, folder]: [bool; 2]) -> Point {
    let no = |what: &str| Point::new(Topic::Saving, Verdict::Failed, format!("no: you may not write {what}"));
    match (file, folder) {
        (true, true) => Point::ok(Topic::Saving, "yes: you may replace the file; it takes effect at the next reload"),
        (false, _) => no("the file").hint("run as a user who may, or mend its owner and mode"),
        (true, false) => no("its folder").hint("the new file is written beside the old one: mend the folder's mode"),
    }
}
