//! One pair in any form, two files or running servers of any version, with the program beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scopesync::history::RunFilter;
use serde_json::Value;

use super::pair::{InjectedDrift, Mode, Pair, PairFiles, PairOptions, Side, Version, kea_check};
use super::program::{Finished, Home, by_file, by_http, by_socket};

/// What the pair is, and how it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Two configuration files.
    Files,
    /// The newest Kea by its UNIX sockets.
    LoadBalancing,
    /// The same.
    HotStandby,
    /// The newest Kea by HTTPS with a password.
    Https(Mode),
    /// The installed Kea, which has no commands for scopes, by its UNIX sockets.
    OldSocket(Mode),
    /// The same by its control agents.
    OldAgent(Mode),
    /// A hub as the source with two spokes, `kea-2` and `kea-3`, in the place of one target.
    Hub,
    /// The newest Kea with the installed one as its partner.
    Mixed(Mode),
}

impl Form {
    /// How the partners share the work; for files, what they say of it.
    pub fn mode(self) -> Mode {
        match self {
            Form::Files | Form::LoadBalancing => Mode::LoadBalancing,
            Form::HotStandby | Form::Hub => Mode::HotStandby,
            Form::Https(mode) | Form::OldSocket(mode) | Form::OldAgent(mode) | Form::Mixed(mode) => mode,
        }
    }

    /// What this form makes of the options: nothing that they say of versions is changed else.
    fn of(self, options: PairOptions) -> PairOptions {
        let options = PairOptions { mode: self.mode(), heartbeat: 100, ..options };
        match self {
            Form::Https(_) => {
                let secured = ["--tls", "--auth", "scott:t1ger"].map(str::to_owned);
                PairOptions { more: options.more.into_iter().chain(secured).collect(), ..options }
            }
            Form::OldSocket(_) | Form::OldAgent(_) => PairOptions { version: Version::Installed, ..options },
            Form::Mixed(_) => PairOptions { version_b: Some(Version::Installed), ..options },
            Form::Hub => PairOptions { hub: true, ..options },
            Form::Files | Form::LoadBalancing | Form::HotStandby => options,
        }
    }

    fn config(self, pair: &Pair, home: &Home) -> String {
        match self {
            Form::Https(_) | Form::OldAgent(_) => by_http(pair, home.path()),
            _ => by_socket(pair),
        }
    }
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
        let options = form.of(options);
        if form == Form::Files {
            let files = PairFiles::write(&options)?;
            let check = format!("check = {:?}\n", kea_check(home.path())?.display().to_string());
            let config = by_file([&files.paths[0], &files.paths[1]]);
            home.write_config(&config.replace("kind = ", &format!("{check}kind = ")));
            return Some(Bench { home, drift: files.drift.clone(), body: Body::Files(files) });
        }
        let pair = Pair::up(options)?;
        home.write_config(&form.config(&pair, &home));
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

    /// How `replicate` names the side that is copied from; with spokes, `B` are both of them.
    pub fn from(&self, side: Side) -> &'static str {
        match (side, self.targets()) {
            (Side::A, _) => "--computer-name kea-1",
            (_, [_]) => "--computer-name kea-2",
            _ => "--cim-session kea-2,kea-3",
        }
    }

    /// What stands in the place of `B`: it, or both spokes of a hub.
    fn targets(&self) -> &'static [Side] {
        match self.pair() {
            Some(pair) if pair.sides().count() > 2 => &[Side::B, Side::C],
            _ => &[Side::B],
        }
    }

    fn servers(&self, side: Side) -> &'static [Side] {
        if side == Side::A { &[Side::A] } else { self.targets() }
    }

    /// What a side's configuration is recognised by: a file's bytes, what a server runs.
    pub fn mark(&self, side: Side) -> Vec<u8> {
        match &self.body {
            Body::Files(files) => std::fs::read(&files.paths[side as usize]).expect("the file"),
            Body::Live(pair) => {
                let configs = self.servers(side).iter().map(|side| pair.config(*side).to_string());
                configs.collect::<String>().into_bytes()
            }
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
        self.servers(side).iter().flat_map(|side| plain_subnets(&self.config(*side))).collect()
    }
}

/// The scopes before they were written: as they were, by scope; the oldest run first.
pub fn kept_by_run(bench: &Bench) -> BTreeMap<String, Value> {
    let history = bench.home.history();
    let runs = history.runs(&RunFilter::default()).expect("runs");
    let snapshots = runs.iter().rev().flat_map(|run| history.snapshots(run, None).expect("snapshots"));
    snapshots
        .map(|snapshot| {
            let mut native = snapshot.native.unwrap_or_default();
            if native.is_object() {
                native["shared-network"] = snapshot.network.map_or(Value::Null, |network| network.raw().into());
            }
            (snapshot.scope.to_string(), native)
        })
        .collect()
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

/// A subnet in a form in which order, blanks, what is implied, the words of one version and the
/// names of a hub do not count.
pub fn plain(mut subnet: Value) -> Value {
    flatten(&mut subnet);
    subnet
}

/// Defaults that Kea 2.2 does not say.
fn said_by_new_only(key: &str, value: &Value) -> bool {
    (key == "allocator" && value == "iterative") || (key == "cache-threshold" && value.as_f64() == Some(0.25))
}

/// What Kea 2.2 calls otherwise.
const RENAMED: [(&str, &str); 2] =
    [("client-class", "client-classes"), ("require-client-classes", "evaluate-additional-classes")];

fn flatten(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(flatten);
            list.sort_by_key(Value::to_string);
        }
        Value::Object(map) => {
            map.values_mut().for_each(flatten);
            map.remove("ha-server-name");
            map.retain(|key, value| !said_by_new_only(key, value));
            map.retain(|key, value| key != "user-context" || *value != serde_json::json!({}));
            for (old, new) in RENAMED {
                if let Some(classes) = map.remove(old) {
                    map.insert(new.to_owned(), if classes.is_array() { classes } else { Value::from([classes]) });
                }
            }
            if map.contains_key("data") {
                // what Kea takes an option to say when it says nothing
                let implied =
                    [("space", Value::from("dhcp4")), ("csv-format", true.into()), ("never-send", false.into())];
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
