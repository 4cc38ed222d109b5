use serde_json::json;

use super::*;
use crate::backend::exchange::Limits;
use crate::backend::windows::wsman::Interval;
use crate::backend::windows::wsman::fake::Fake;

fn dhcp(fake: &std::sync::Arc<Fake>) -> Dhcp {
    Dhcp::new(fake.client(), None)
}

fn output(class: &str, rows: &[&str]) -> String {
    let rows: String =
        rows.iter().map(|row| format!("<cmdletOutput i:type='{class}_Type'>{row}</cmdletOutput>")).collect();
    format!("<O>{rows}<ReturnValue>0</ReturnValue></O>")
}

const SCOPE: &str = "<ScopeId>10.0.0.0</ScopeId><SubnetMask>255.255.255.0</SubnetMask><StartRange>10.0.0.1</StartRange>\
     <EndRange>10.0.0.9</EndRange><Name>café</Name><Description i:nil='true'/><SuperscopeName/>\
     <LeaseDuration><c:Interval>P8DT0H0M0S</c:Interval></LeaseDuration><ActivatePolicies>TRUE</ActivatePolicies>\
     <MaxBootpClients>4294967295</MaxBootpClients><Delay>0</Delay><New>1</New><New>2</New>";

#[tokio::test]
async fn a_scope_is_read_with_all_that_the_server_tells() {
    let fake = Fake::of(&[&output("DhcpServerv4Scope", &[SCOPE])]);
    let scope = dhcp(&fake).scopes(&["10.0.0.0".parse().unwrap()]).await.unwrap().remove(0).unwrap();
    assert_eq!((scope.max_bootp_clients, scope.delay, scope.activate_policies), (Some(u32::MAX), Some(0), Some(true)));
    assert_eq!((filled(&scope.name), filled(&scope.superscope_name)), (Some(&"café".into()), None));
    assert_eq!((&scope.description, scope.superscope_name.as_ref().unwrap().raw()), (&None, ""), "null is not empty");
    assert_eq!(scope.lease_duration, Some(Interval { seconds: 691_200 }));
    let native = serde_json::to_value(&scope).unwrap();
    assert_eq!((&native["LeaseDuration"], &native["New"]), (&json!("P8DT0H0M0S"), &json!(["1", "2"])));
    assert_eq!(serde_json::from_value::<Scope>(native).unwrap(), scope, "nothing is lost on the way through JSON");
    assert!(fake.asked()[0].0.contains("<m:ScopeId>10.0.0.0</m:ScopeId></m:Get_INPUT>"), "{:?}", fake.asked());
}

#[tokio::test]
async fn what_a_class_demands_must_be_there() {
    let typed = |row: &str| output("DhcpServerv4Scope", &[row]);
    for (told, why) in [
        (typed(&SCOPE.replace("<SubnetMask>255.255.255.0</SubnetMask>", "")), "SubnetMask is missing"),
        (typed(&SCOPE.replace("P8D", "P8Y")), "LeaseDuration is \"P8YT0H0M0S\", not an interval"),
        ("<O><cmdletOutput>text</cmdletOutput></O>".to_owned(), "cmdletOutput is text, not an instance"),
    ] {
        let odd = dhcp(&Fake::of(&[&told])).scopes(&[]).await.unwrap().remove(0).unwrap_err();
        assert_eq!(odd.error("call").what, format!("call: DhcpServerv4Scope.{why}"));
        assert_eq!(odd.scope.is_some(), told.contains("ScopeId"));
    }
}

#[tokio::test]
async fn nothing_where_something_must_be_is_said() {
    let nothing = output("A", &[]);
    let version = output("DhcpServerVersion", &["<MajorVersion>10</MajorVersion><MinorVersion>0</MinorVersion>"]);
    assert_eq!(dhcp(&Fake::of(&[&nothing, &version])).failover().await, Ok(vec![]), "a server may have none");
    for failure in [
        dhcp(&Fake::of(&[&nothing, &nothing])).failover().await.map(drop),
        dhcp(&Fake::of(&[&nothing, &nothing])).scopes(&[]).await.map(drop),
        dhcp(&Fake::of(&[&nothing])).version().await.map(drop),
        dhcp(&Fake::of(&[&nothing])).option_definitions().await.map(drop),
        dhcp(&Fake::of(&[&nothing])).classes().await.map(drop),
    ] {
        assert!(failure.unwrap_err().to_string().contains("gave nothing"));
    }
    let two = output("DhcpServerVersion", &["<MajorVersion>10</MajorVersion><MinorVersion>0</MinorVersion>"; 2]);
    assert!(dhcp(&Fake::of(&[&two])).version().await.unwrap_err().to_string().contains("2 instances"));
}

#[tokio::test]
async fn levels_and_computers_are_named_by_the_parameters_of_the_method() {
    let address: Ipv4Addr = "10.0.0.5".parse().unwrap();
    let policy = Level::Policy { scope: Some(address), name: "P & Q".into() };
    for (level, inputs) in [
        (Level::Server, ""),
        (Level::Scope(address), "<m:ScopeId>10.0.0.5</m:ScopeId>"),
        (policy, "<m:ScopeId>10.0.0.5</m:ScopeId><m:PolicyName>P &amp; Q</m:PolicyName>"),
        (Level::Reservation(address), "<m:ReservedIP>10.0.0.5</m:ReservedIP>"),
    ] {
        let fake = Fake::of(&[&output("A", &[]), &output("A", &["<DnsSuffix/>"])]);
        let dhcp = Dhcp::new(fake.client(), Some("dhcp2".into()));
        assert_eq!(
            dhcp.option_values(&OptionQuery { level: level.clone(), all: true, brief: false }).await,
            Ok(vec![])
        );
        assert!(dhcp.dns_setting(&level).await.unwrap().dns_suffix.is_some());
        let [options, dns] = [0, 1].map(|n| fake.asked()[n].0.clone());
        let computer = "<m:ComputerName>dhcp2</m:ComputerName></m:Get_INPUT>";
        assert!(options.ends_with(&format!(">{inputs}<m:All>true</m:All>{computer}")), "{options}");
        assert!(dns.ends_with(&format!(">{}{computer}", inputs.replace("ReservedIP", "IPAddress"))), "{dns}");
    }
}

#[tokio::test]
async fn a_replication_names_what_it_replicates() {
    let fake = Fake::of(&["<O><cmdletOutput>10.0.0.0</cmdletOutput><ReturnValue>0</ReturnValue></O>", "<O/>"]);
    let dhcp = dhcp(&fake);
    let blank = dhcp.invoke_by_name(true, &["a".into(), " ".into()]).await;
    for refused in [dhcp.invoke_by_name(true, &[]).await, dhcp.invoke_by_scope_id(true, &[]).await, blank] {
        assert_eq!(Error::from(refused.unwrap_err()).kind, ErrorKind::Safety);
    }
    assert_eq!(fake.asked(), [], "an empty list would replicate everything");
    assert_eq!(dhcp.invoke_by_name(true, &["a<->b".into()]).await, Ok(vec!["10.0.0.0".into()]));
    assert!(dhcp.invoke_by_scope_id(true, &["10.0.0.0".parse().unwrap()]).await.unwrap_err().in_doubt());
    let embedded = "<O><cmdletOutput i:type='X_Type'><ScopeId>10.0.0.0</ScopeId></cmdletOutput><cmdletOutput i:nil='true'/>\
                    <ReturnValue>0</ReturnValue></O>";
    let told = super::tests::dhcp(&Fake::of(&[embedded])).invoke_by_name(true, &["a".into()]).await;
    assert_eq!(told, Ok(vec!["10.0.0.0".into()]), "as instances, too");
    let failed = "<O><ReturnValue>1722</ReturnValue></O>";
    let half_way = super::tests::dhcp(&Fake::of(&[failed])).invoke_by_name(true, &["a".into()]).await;
    assert!(half_way.unwrap_err().in_doubt(), "some scopes may be done when the method fails");
    let asked = fake.asked();
    let named = "<m:Force>true</m:Force><m:Name>a&lt;-&gt;b</m:Name></m:InvokeByName_INPUT>";
    assert!(asked[0].0.ends_with(named), "{asked:?}");
    assert!(asked.iter().all(|(_, effect)| *effect == Effect::WritesMany(1)));
    let (limits, two) = (Limits::default(), ["10.0.0.0", "10.0.1.0"].map(|scope| scope.parse().unwrap()));
    let fake = Fake::of(&["<O><ReturnValue>0</ReturnValue></O>"]);
    super::tests::dhcp(&fake).invoke_by_scope_id(true, &two).await.unwrap();
    assert_eq!(limits.patience(fake.asked()[0].1), 2 * limits.write, "each scope has its time");
}

#[tokio::test]
async fn a_change_tells_what_its_method_takes_and_no_more() {
    let done = "<O><ReturnValue>0</ReturnValue></O>";
    let fake = Fake::of(&[&output("DhcpServerv4Scope", &[SCOPE]), done, done, "<O/>"]);
    let dhcp = dhcp(&fake);
    let scope = dhcp.scopes(&[]).await.unwrap().remove(0).unwrap();
    dhcp.set_scope(&scope).await.unwrap();
    dhcp.set_scope_range(&scope).await.unwrap();
    assert!(dhcp.remove_scope(scope.scope_id).await.unwrap_err().in_doubt(), "no ReturnValue");
    let bare = |(text, _): (String, Effect)| text.split_once('>').unwrap().1.replace("m:", "");
    let asked: Vec<String> = fake.asked().into_iter().map(bare).collect();
    assert_eq!(
        asked[1],
        "<ScopeId>10.0.0.0</ScopeId><Name>café</Name><LeaseDuration><c:Interval>P8DT0H0M0S</c:Interval></LeaseDuration>\
         <SuperscopeName></SuperscopeName><MaxBootpClients>4294967295</MaxBootpClients>\
         <ActivatePolicies>true</ActivatePolicies><Delay>0</Delay></SetByWithoutRange_INPUT>"
    );
    let range = "<ScopeId>10.0.0.0</ScopeId><StartRange>10.0.0.1</StartRange><EndRange>10.0.0.9</EndRange>";
    assert_eq!(asked[2], format!("{range}</SetByWithRange_INPUT>"));
    assert_eq!(asked[3], "<Force>true</Force><ScopeId>10.0.0.0</ScopeId></Remove_INPUT>");
}
