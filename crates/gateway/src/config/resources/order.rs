//! Transforms of JSON schemas: the order of fields is noted, unknown fields are refused below a part.

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform};
use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// The member of a schema that names its properties in the order in which messages name them.
pub(in crate::config) const ORDER: &str = "x-order";

/// Notes the order of a struct's fields in its schema: `#[schemars(transform = in_order::<Self>)]`.
pub(in crate::config) fn in_order<T: DeserializeOwned>(schema: &mut Schema) {
    note(schema, fields_of::<T>());
}

/// The same for a struct with these fields and, flattened, those of another one.
pub(in crate::config) fn in_order_before<T: DeserializeOwned>(first: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| note(schema, &[first, fields_of::<T>()].concat())
}

fn note(schema: &mut Schema, fields: &[&str]) {
    schema.insert(ORDER.to_owned(), fields.iter().map(|field| Value::from(*field)).collect());
}

/// Refuses unknown fields, here and below.
pub(in crate::config) fn refuse_unknown_fields(schema: &mut Schema) {
    RecursiveTransform(refuse_unknown_fields_here).transform(schema);
}

fn refuse_unknown_fields_here(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

/// The names of a struct's fields in the order in which it declares them, as its reader asks for them.
fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut probe = FieldProbe(&[]);
    // The probe reads nothing: it fails once it was told the fields.
    drop(T::deserialize(&mut probe));
    probe.0
}

/// A deserializer that is told the fields of a struct.
struct FieldProbe(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut FieldProbe {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0 = fields;
        Err(Error::custom("its fields are known"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
