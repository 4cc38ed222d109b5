//! Where in a configuration file its scopes stand.

use std::collections::BTreeMap;

use super::super::dialect::edit::Step;
use super::super::dialect::{Document, Node};
use super::super::subnet::take_apart::scope_id;
use crate::model::{Foreign, ScopeId};

/// The ways to the subnets and networks of a file.
pub(super) struct Layout {
    /// Each scope's place.
    pub scopes: BTreeMap<ScopeId, Place>,
    networks: BTreeMap<Foreign, Vec<Step>>,
}

/// A subnet's place in a file.
pub(super) struct Place {
    /// The way to it from the outermost value.
    pub at: Vec<Step>,
    /// The network that it stands in.
    pub network: Option<Foreign>,
    /// The included file that holds it or a part of it.
    pub include: Option<Foreign>,
}

impl Layout {
    /// Walks through the `Dhcp4` object of a file.
    pub(super) fn read(document: &Document, dhcp4: &Node) -> Self {
        let mut layout = Layout { scopes: BTreeMap::new(), networks: BTreeMap::new() };
        layout.subnets(document, dhcp4, &["Dhcp4".into()], None);
        for (at, network) in dhcp4.get("shared-networks").into_iter().flat_map(Node::elements).enumerate() {
            let way: [Step; 3] = ["Dhcp4".into(), "shared-networks".into(), at.into()];
            let name = text(network, "name").map(Foreign::from);
            layout.subnets(document, network, &way, name.as_ref());
            if let Some(name) = name {
                layout.networks.insert(name, way.to_vec());
            }
        }
        layout
    }

    fn subnets(&mut self, document: &Document, holder: &Node, way: &[Step], network: Option<&Foreign>) {
        for (at, subnet) in holder.get("subnet4").into_iter().flat_map(Node::elements).enumerate() {
            let Some(id) = text(subnet, "subnet").and_then(scope_id) else { continue };
            let include = document.include_of(subnet).map(|source| source.path.to_string_lossy().into_owned().into());
            let at = way.iter().cloned().chain(["subnet4".into(), at.into()]).collect();
            self.scopes.entry(id).or_insert(Place { at, network: network.cloned(), include });
        }
    }

    /// The way to a new subnet in a network, or in none; `None` where there is no such network.
    pub(super) fn new_subnet(&self, network: Option<&Foreign>) -> Option<Vec<Step>> {
        let mut way = match network {
            None => vec!["Dhcp4".into()],
            Some(name) => self.networks.get(name)?.clone(),
        };
        way.extend(["subnet4".into(), Step::Append]);
        Some(way)
    }
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.get(key)?.value {
        super::super::dialect::Value::String(text) => Some(text),
        _ => None,
    }
}
