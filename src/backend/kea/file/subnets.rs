//! Where the subnets of a file stand.

use super::super::dialect::edit::Step;
use super::super::dialect::{Node, Source, Value};
use super::ConfigFile;

/// A subnet of a file and the way to it.
#[derive(Clone, Debug)]
pub struct SubnetPlace<'a> {
    /// The way for an [`Edit`](super::super::dialect::edit::Edit).
    pub at: Vec<Step>,
    /// The shared network that it stands in.
    pub network: Option<&'a str>,
    /// Its text and value.
    pub node: &'a Node,
    /// The include that brings it or a part of it: it can be shown, and is no target.
    pub include: Option<&'a Source>,
}

impl ConfigFile {
    /// The `Dhcp4` object; `None` in a file of another Kea program.
    pub fn dhcp4(&self) -> Option<&Node> {
        self.document().root().get(DHCP4).filter(|node| matches!(node.value, Value::Object(_)))
    }

    /// All subnets in the order of the file, those of shared networks after the others.
    pub fn subnets(&self) -> Vec<SubnetPlace<'_>> {
        let Some(dhcp4) = self.dhcp4() else { return Vec::new() };
        let mut places = Vec::new();
        self.add_subnets(&mut places, None, dhcp4, &[DHCP4.into()]);
        for (index, network) in elements(dhcp4, NETWORKS).iter().enumerate() {
            let at = [DHCP4.into(), NETWORKS.into(), index.into()];
            self.add_subnets(&mut places, name(network), network, &at);
        }
        places
    }

    /// The way to a new subnet in a shared network or outside of all; `None` if there is no such network.
    pub fn new_subnet(&self, network: Option<&str>) -> Option<Vec<Step>> {
        let dhcp4 = self.dhcp4()?;
        let mut at = vec![DHCP4.into()];
        if let Some(wanted) = network {
            let index = elements(dhcp4, NETWORKS).iter().position(|node| name(node) == Some(wanted))?;
            at.extend([NETWORKS.into(), index.into()]);
        }
        at.extend([SUBNETS.into(), Step::Append]);
        Some(at)
    }

    fn add_subnets<'a>(
        &'a self,
        places: &mut Vec<SubnetPlace<'a>>,
        network: Option<&'a str>,
        holder: &'a Node,
        way: &[Step],
    ) {
        for (index, node) in elements(holder, SUBNETS).iter().enumerate() {
            let at = way.iter().cloned().chain([SUBNETS.into(), index.into()]).collect();
            places.push(SubnetPlace { at, network, node, include: self.document().include_of(node) });
        }
    }
}

const DHCP4: &str = "Dhcp4";
const NETWORKS: &str = "shared-networks";
const SUBNETS: &str = "subnet4";

fn elements<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map(Node::elements).unwrap_or_default()
}

fn name(network: &Node) -> Option<&str> {
    match &network.get("name")?.value {
        Value::String(name) => Some(name),
        _ => None,
    }
}
