//! The forms of text in resources, each as a type that says its length and its form in the JSON schema.

use crate::config::check::forms::Form;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Deref;

/// The JSON schema of text with `least` to `most` characters (`None`: any number) of a form.
fn schema(least: usize, most: Option<usize>, form: Form) -> Schema {
    let mut schema = schemars::json_schema!({"type": "string"});
    if least > 0 {
        schema.insert("minLength".to_owned(), least.into());
    }
    if let Some(most) = most {
        schema.insert("maxLength".to_owned(), most.into());
    }
    if let Some(pattern) = form.pattern() {
        schema.insert("pattern".to_owned(), pattern.into());
    }
    if let Some(format) = form.format() {
        schema.insert("format".to_owned(), format.into());
    }
    schema
}

macro_rules! texts {
    ($($(#[$doc:meta])+ $name:ident: $least:expr, $most:expr, $form:expr;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, PartialEq, Eq, Deserialize)]
            #[serde(transparent)]
            pub(in crate::config) struct $name(String);

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    schema($least, $most, $form)
                }
            }

            impl Deref for $name {
                type Target = str;

                fn deref(&self) -> &str {
                    &self.0
                }
            }
        )+
    };
}

texts! {
    /// Text that is not empty.
    Filled: 1, None, Form::Free;
    /// A model id.
    ModelId: 1, Some(2048), Form::Free;
    /// The name of a resource that is referred to.
    ObjectName: 1, Some(253), Form::Free;
    /// The name of a resource, or of a part of one, where it is given: a DNS subdomain.
    ResourceName: 1, Some(253), Form::Subdomain;
    /// An API group; empty: the core group.
    Group: 0, Some(253), Form::Group;
    /// The kind of a resource.
    KindName: 1, Some(63), Form::Kind;
    /// A namespace.
    Namespace: 1, Some(63), Form::Label;
    /// A hostname, perhaps with `*.` in front.
    Hostname: 1, Some(253), Form::Hostname;
    /// The name of a header.
    HeaderNameText: 1, Some(256), Form::HeaderName;
    /// The value of a header.
    HeaderValueText: 1, Some(4096), Form::Free;
    /// A Gateway API duration (GEP-2257) such as `1m30s`.
    DurationText: 0, None, Form::Duration;
    /// An AWS region such as `us-east-1`.
    Region: 1, Some(64), Form::Region;
    /// A point in time, RFC 3339.
    Time: 0, None, Form::Time;
    /// `http://` or `https://` with a host and perhaps a port.
    Endpoint: 1, Some(2048), Form::Endpoint;
}
