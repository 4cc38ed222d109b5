//! One pair in either form, two files or two running servers, with the program beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::pair::{InjectedDrift, Mode, Pair, PairFiles, PairOptions, Side, kea_check};
use super::program::{Finished, Home, by_file, by_socket};

/// What the pair is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Files,
    LoadBalancing,
    HotStandby,
}

/// A pair, and the program set up for it.
pub struct Bench {
    pub home: Home,
    pub drift: Vec<InjectedDrift>,
    body: Body,
}

enum Body {
    Files(PairFiles),
    Live(Box<Pair>),
}

impl Bench {
    /// A pair of this form. What the options say of running servers does not count for files.
    pub fn up(form: Form, options: PairOptions) -> Option<Bench> {
        let home = Home::new();
        let mode = if form == Form::HotStandby { Mode::HotStandby } else { Mode::LoadBalancing };
        let options = PairOptions { mode, heartbeat: 100, ..options };
        if form == Form::Files {
            let files = PairFiles::write(&options)?;
            let check = format!("check = {:?}\n", kea_check(home.path())?.display().to_string());
            let config = by_file([&files.paths[0], &files.paths[1]]);
            home.write_config(&config.replace("kind = ", &format!("{check}kind = ")));
            return Some(Bench { home, drift: files.drift.clone(), body: Body::Files(files) });
        }
        let pair = Pair::up(options)?;
        home.write_config(&by_socket(&pair));
        Some(Bench { home, drift: pair.drift.clone(), body: Body::Live(Box::new(pair)) })
    }

    /// The configuration of a live pair, with these lines in both entries.
    pub fn configure(&self, lines: &str) {
        let config = by_socket(self.pair().expect("a live pair"));
        self.home.write_config(&config.replace("kind = ", &format!("{lines}\nkind = ")));
    }

    /// The running servers, where they are.
    pub fn pair(&self) -> Option<&Pair> {
        match &self.body {
            Body::Files(_) => None,
            Body::Live(pair) => Some(pair),
        }
    }

    /// The files, where there are no servers.
    pub fn files(&self) -> Option<&[PathBuf; 2]> {
        match &self.body {
            Body::Files(files) => Some(&files.paths),
            Body::Live(_) => None,
        }
    }

    pub fn run(&self, line: &str) -> Finished {
        self.home.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// What a side's configuration is recognised by: a file's bytes, a server's own hash.
    pub fn mark(&self, side: Side) -> Vec<u8> {
        match &self.body {
            Body::Files(files) => std::fs::read(&files.paths[side as usize]).expect("the file"),
            Body::Live(pair) => pair.config_hash(side).into_bytes(),
        }
    }

    pub fn marks(&self) -> [Vec<u8>; 2] {
        Side::BOTH.map(|side| self.mark(side))
    }

    /// `Dhcp4` of a side, as the file or the server has it.
    pub fn config(&self, side: Side) -> Value {
        match &self.body {
            Body::Files(files) => {
                let text = std::fs::read(&files.paths[side as usize]).expect("the file");
                serde_json::from_slice::<Value>(&text).expect("JSON")["Dhcp4"].take()
            }
            Body::Live(pair) => pair.config(side),
        }
    }

    /// A side's subnets by prefix, in a form in which order and blanks do not count. Written
    /// without the program's own code on purpose.
    pub fn subnets(&self, side: Side) -> BTreeMap<String, Value> {
        plain_subnets(&self.config(side))
    }

    /// The names of the journal's files.
    pub fn journal(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.home.state().join("journal"));
        let mut files: Vec<_> = entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        files.sort();
        files
    }
}

/// The subnets of `Dhcp4` by prefix, each with the name of its shared network.
pub fn plain_subnets(config: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let networks = config["shared-networks"].as_array().into_iter().flatten();
    for home in std::iter::once(config).chain(networks) {
        for subnet in home["subnet4"].as_array().into_iter().flatten() {
            let mut subnet = subnet.clone();
            subnet["shared-network"] = home["name"].clone();
            let subnet = plain(subnet);
            found.insert(subnet["subnet"].as_str().expect("a prefix").to_owned(), subnet);
        }
    }
    found
}

/// A subnet in a form in which order, blanks and what is implied do not count.
pub fn plain(mut subnet: Value) -> Value {
    flatten(&mut subnet);
    subnet
}

fn flatten(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(flatten);
            list.sort_by_key(Value::to_string);
        }
        Value::Object(map) => {
            map.values_mut().for_each(flatten);
            if map.contains_key("data") {
                // what Kea takes an option to say when it says nothing
                let implied = [("space", Value::from("dhcp4")), ("csv-format", true.into())];
                map.retain(|key, value| !implied.iter().any(|(name, given)| key == name && value == given));
                map.remove("code").filter(|_| !map.contains_key("name")).map(|code| map.insert("code".into(), code));
            }
            map.retain(|key, value| key != "option-data" || value.as_array().is_none_or(|list| !list.is_empty()));
            map.sort_keys();
            if let Some(Value::String(pool)) = map.get_mut("pool") {
                *pool = pool.replace(' ', "");
            }
        }
        _ => {}
    }
}
