//! The fields of an item, by name.

use std::borrow::Borrow;
use std::slice;

use super::{Field, Value};

/// Few fields in one piece of memory, in the order of their names: most items have one or
/// three, and a server has a million of them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Fields(Vec<(Field, Value)>);

impl Fields {
    /// The value of this name.
    pub fn get(&self, name: &(impl Borrow<str> + ?Sized)) -> Option<&Value> {
        Some(&self.0[self.place(name.borrow()).ok()?].1)
    }

    /// The value of this name, to be changed.
    pub fn get_mut(&mut self, name: &(impl Borrow<str> + ?Sized)) -> Option<&mut Value> {
        let place = self.place(name.borrow()).ok()?;
        Some(&mut self.0[place].1)
    }

    /// Whether there is one of this name.
    pub fn contains_key(&self, name: &(impl Borrow<str> + ?Sized)) -> bool {
        self.place(name.borrow()).is_ok()
    }

    /// Puts a value in; gives the one that stood there.
    pub fn insert(&mut self, name: Field, value: Value) -> Option<Value> {
        match self.place(name.raw()) {
            Ok(place) => Some(std::mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.insert(place, (name, value));
                None
            }
        }
    }

    /// Takes the value of this name out.
    pub fn remove(&mut self, name: &(impl Borrow<str> + ?Sized)) -> Option<Value> {
        let place = self.place(name.borrow()).ok()?;
        Some(self.0.remove(place).1)
    }

    /// Keeps only those of which this is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&Field, &mut Value) -> bool) {
        self.0.retain_mut(|(name, value)| keep(name, value));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in the order of their names.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }

    /// Their names, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Field> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Their values, in the order of their names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Their values, to be changed.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Where a name stands, or would stand.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.raw().cmp(name))
    }
}

impl<const N: usize> From<[(Field, Value); N]> for Fields {
    fn from(fields: [(Field, Value); N]) -> Self {
        fields.into_iter().collect()
    }
}

impl FromIterator<(Field, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        let mut all = Fields(Vec::with_capacity(fields.size_hint().0));
        fields.for_each(|(name, value)| drop(all.insert(name, value)));
        all
    }
}

impl IntoIterator for Fields {
    type Item = (Field, Value);
    type IntoIter = std::vec::IntoIter<(Field, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The fields of an item, in the order of their names.
#[derive(Clone, Debug)]
pub struct Iter<'a>(slice::Iter<'a, (Field, Value)>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Field, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a Field, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_the_order_of_their_names() {
        let value = |number: u32| Value::own(number.into());
        let mut fields: Fields = [("b".into(), value(2)), ("c".into(), value(3)), ("a".into(), value(1))].into();
        assert_eq!(fields.keys().map(Field::raw).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(fields.insert("b".into(), value(4)), Some(value(2)));
        assert_eq!((fields.remove("a"), fields.remove("a")), (Some(value(1)), None));
        assert_eq!(fields, [("c".into(), value(3)), ("b".into(), value(4))].into());
        fields.retain(|name, _| name.raw() != "b");
        assert_eq!((fields.len(), fields.get("c"), fields.contains_key("b")), (1, Some(&value(3)), false));
    }
}
