//! Leases: how many there are, and which addresses they hold.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::json;

use crate::backend::kea::command::Channel;
use crate::engine::port::{Control, Utilisation};
use crate::engine::shrink::Holder;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::IdentifierKind;

/// Addresses in use by subnet number, from `stat-lease4-get`; of one subnet or of all.
pub(super) async fn utilisation(
    channel: &Channel,
    subnet: Option<u32>,
    ctl: &Control,
) -> Result<BTreeMap<u32, Utilisation>> {
    let arguments = subnet.map(|id| json!({ "subnet-id": id }));
    let answer = channel.ask("stat-lease4-get", arguments.as_ref(), ctl).await?;
    let on = |error: Error| error.on(channel.server());
    let Some(StatAnswer { result_set }) = answer.found().map_err(on)? else { return Ok(BTreeMap::new()) };
    result_set.by_subnet().map_err(on)
}

/// Clients with an active lease in one subnet, from `lease4-get-all`. Leases that have
/// run out and were not yet reclaimed count: only the server's clock can tell.
pub(super) async fn active(channel: &Channel, subnet: u32, ctl: &Control) -> Result<Vec<Holder>> {
    #[derive(Deserialize)]
    struct Given {
        leases: Vec<Lease>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Lease {
        ip_address: Ipv4Addr,
        hw_address: Option<String>,
        client_id: Option<String>,
        #[serde(default)]
        state: u32,
    }
    let holder = |lease: Lease| {
        let known = [(IdentifierKind::HwAddress, lease.hw_address), (IdentifierKind::ClientId, lease.client_id)];
        let known_by = known.into_iter().filter_map(|(kind, told)| Some((kind, told?))).collect();
        Holder { address: lease.ip_address, known_by }
    };
    let arguments = json!({ "subnets": [subnet] });
    let answer = channel.ask("lease4-get-all", Some(&arguments), ctl).await?;
    let given: Option<Given> = answer.found().map_err(|error| error.on(channel.server()))?;
    let leases = given.map(|given| given.leases).unwrap_or_default();
    Ok(leases.into_iter().filter(|lease| lease.state == 0).map(holder).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct StatAnswer {
    result_set: Table,
}

/// Rows under named columns; which columns there are depends on the version.
#[derive(Deserialize)]
struct Table {
    columns: Vec<String>,
    #[serde(default)]
    rows: Vec<Vec<i64>>,
}

impl Table {
    fn by_subnet(&self) -> Result<BTreeMap<u32, Utilisation>> {
        let place = |name: &str| self.columns.iter().position(|column| column == name);
        let Some(id) = place("subnet-id") else {
            return Err(Error::new(ErrorKind::Garbled, "stat-lease4-get: the answer has no column subnet-id"));
        };
        let columns = [place("total-addresses"), place("assigned-addresses"), place("declined-addresses")];
        let read = |row: &Vec<i64>| {
            let number =
                |at: Option<usize>| at.and_then(|at| row.get(at)).map_or(0, |n| u64::try_from(*n).unwrap_or(0));
            let [total, assigned, declined] = columns.map(number);
            let id = row.get(id).and_then(|id| u32::try_from(*id).ok())?;
            Some((id, Utilisation { total, assigned, declined }))
        };
        Ok(self.rows.iter().filter_map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let table: Table = serde_json::from_str(
            r#"{"columns": ["declined-addresses", "subnet-id", "news", "total-addresses", "assigned-addresses"],
                "rows": [[1, 7, 99, 100, 40], [0, 8, 99, 63, -1], [0]], "timestamp": "x"}"#,
        )
        .unwrap();
        let stats = table.by_subnet().unwrap();
        assert_eq!(stats[&7], Utilisation { total: 100, assigned: 40, declined: 1 });
        assert_eq!(stats[&8], Utilisation { total: 63, assigned: 0, declined: 0 });
        assert_eq!(stats.len(), 2);
        let bad: Table = serde_json::from_str(r#"{"columns": ["a"], "rows": [[1]]}"#).unwrap();
        assert_eq!(bad.by_subnet().unwrap_err().kind, ErrorKind::Garbled);
    }
}
