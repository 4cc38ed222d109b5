//! What is refused, and of many the ones that are to blame.

use super::*;

fn many(count: u8, bad: &[u8]) -> [Value; 2] {
    [false, true].map(|source| {
        let subnets = (1..=count).map(|n| {
            // each takes over the number of its neighbour: all of them hang together in pairs
            let number = if source && n <= 8 { ((n - 1) ^ 1) + 1 } else { n };
            let mut subnet = json!({"id": number, "subnet": format!("10.0.{n}.0/24")});
            if source {
                subnet["valid-lifetime"] = json!(if bad.contains(&n) { 666 } else { 1234 });
            }
            subnet
        });
        json!({"valid-lifetime": 4000, "subnet4": subnets.collect::<Vec<_>>()})
    })
}

#[tokio::test]
async fn two_offenders_of_many_are_found_with_few_tests() {
    let [target, source] = many(64, &[11, 40]);
    let bench = Bench::new(Kea::new(target), &source).await;
    let done = bench.write().await;
    for (work, done) in bench.work.iter().zip(&done) {
        match [11, 40].contains(&work.id.network.octets()[2]) {
            true => {
                let Done::Rejected(error) = done else { panic!("{}: {done:?}", work.id) };
                assert_eq!((error.what.as_str(), error.scope), ("config-test was refused: 666 is evil", Some(work.id)));
            }
            false => assert!(matches!(done, Done::Applied), "{}: {done:?}", work.id),
        }
    }
    let [tests, sets, copies] = bench.sent(&["config-test", "config-set", "config-write"])[..] else { unreachable!() };
    assert!(tests <= 24 && sets == 1, "{tests} tests");
    assert_eq!(copies, 1, "what ran before is kept, once");
    let sent = bench.kea.commands();
    let at = |name: &str| sent.iter().rposition(|one| one == name);
    assert!(at("config-test") < at("config-write") && at("config-write") < at("config-hash-get"), "{sent:?}");
}

#[tokio::test]
async fn a_base_that_the_server_itself_refuses_is_told_as_such() {
    let [mut target, source] = many(4, &[]);
    target["subnet4"][3]["valid-lifetime"] = json!(666);
    let bench = Bench::new(Kea::new(target), &source).await;
    let mut work = bench.work.clone();
    work.retain(|work| work.id.network.octets()[2] != 4);
    let done = bench.writer.write(&work, &approved(&[]), &(), &bench.ctl).await;
    let Done::Rejected(error) = &done[0] else { panic!("{done:?}") };
    assert!(error.what.contains("refuses even its own configuration as it runs: config-test was refused: 666"));
    assert_eq!(bench.sent(&["config-test", "config-set", "config-write"]), [2, 0, 0]);
}

struct Shut;

#[async_trait]
impl Gate for Shut {
    async fn ask(&self, _ctl: &Control) -> Result<()> {
        Err(Error::new(ErrorKind::Safety, "state-not-normal: no"))
    }
}

#[tokio::test]
async fn behind_a_shut_gate_nothing_is_even_tested() {
    let bench = Bench::new(Kea::new(base()), &rearranged()).await;
    let done = bench.writer.write(&bench.work, &approved(&[]), &Shut, &bench.ctl).await;
    assert!(matches!(&done[0], Done::Rejected(error) if error.what.contains("state-not-normal")), "{done:?}");
    assert_eq!(bench.sent(&["config-test", "config-set", "config-write"]), [0, 0, 0]);
}

#[tokio::test]
async fn option_43_anywhere_on_the_target_refuses_it_unless_overridden() {
    let raw = json!([{"code": 43, "space": "dhcp4", "csv-format": false, "data": ""}]);
    type Put = fn(&mut Value, Value);
    let places: [(Put, &str); 6] = [
        (|config, raw| config["subnet4"][2]["option-data"] = raw, "scope 10.0.3.0/24"),
        (|config, raw| config["subnet4"][0]["reservations"][0]["option-data"] = raw, "scope 10.0.1.0/24"),
        (
            |config, raw| config["subnet4"][1]["pools"] = json!([{"pool": "10.0.2.0/25", "option-data": raw}]),
            "scope 10.0.2.0/24",
        ),
        (|config, raw| config["shared-networks"][0]["option-data"] = raw, "shared network floor"),
        (|config, raw| config["client-classes"] = json!([{"name": "voip", "option-data": raw}]), "client class voip"),
        (
            |config, raw| config["reservations"] = json!([{"hw-address": "02:00:00:00:00:09", "option-data": raw}]),
            "global reservation",
        ),
    ];
    for (put, place) in places {
        let mut config = base();
        put(&mut config, raw.clone());
        let bench = Bench::new(Kea::new(config), &base()).await;
        let mut source = base();
        source["subnet4"][2]["valid-lifetime"] = json!(5);
        let assessment = bench.writer.assess(&bench.work, &bench.ctl).await.unwrap();
        let [refusal] = assessment.against.as_slice() else { panic!("{place}: {:?}", assessment.against) };
        assert!(refusal.name == "option-43" && refusal.overridable && refusal.message.contains(place), "{refusal:?}");
        let done = bench.write().await;
        assert!(done.iter().all(|done| matches!(done, Done::Rejected(_))), "{done:?}");
        assert_eq!(bench.sent(&["config-set"]), [0]);
    }
    // an own definition keeps it
    let mut config = base();
    config["option-def"] = json!([{"name": "mine", "code": 43, "type": "binary", "space": "dhcp4"}]);
    config["subnet4"][2]["option-data"] = raw;
    let bench = Bench::new(Kea::new(config), &base()).await;
    assert!(bench.writer.assess(&bench.work, &bench.ctl).await.unwrap().against.is_empty());
}

#[test]
fn what_hangs_together_is_one_unit() {
    let part = |n: u8, numbers: [Option<u32>; 2]| {
        let id: ScopeId = format!("10.0.{n}.0/24").parse().unwrap();
        let wanted = numbers[1].map(|_| compose::Wanted { network: None::<Foreign>, text: "{}".into() });
        Arc::new(Part { id, numbers, wanted })
    };
    let parts = vec![
        part(1, [Some(1), Some(2)]),
        part(2, [Some(2), Some(3)]),
        part(3, [Some(7), Some(7)]),
        part(4, [None, Some(1)]),
        part(5, [Some(5), Some(9)]),
        part(6, [Some(6), None]),
        part(7, [Some(8), Some(6)]),
    ];
    let units = sift::units(parts);
    let ids: BTreeSet<Vec<u8>> =
        units.iter().map(|unit| unit.iter().map(|part| part.id.network.octets()[2]).collect()).collect();
    assert_eq!(ids, BTreeSet::from([vec![1, 2, 4], vec![3], vec![5], vec![6, 7]]));
}
