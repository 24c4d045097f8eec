//! Elements of resources. FHIR has no null and no empty element: what is absent is left out or has a
//! data-absent reason.

use serde_json::{Map, Value, json};

use super::code::{ABSENT, ABSENT_EXTENSION, Code, UCUM};
use crate::text::visible;

/// An element in the making.
#[derive(Default)]
pub(super) struct Element(Map<String, Value>);

impl Element {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A resource of a type, with the profile that it claims.
    pub(super) fn resource(kind: &str, profile: Option<String>) -> Self {
        let element = Self::new().with("resourceType", kind);
        match profile {
            Some(profile) => element.with("meta", json!({"profile": [profile]})),
            None => element,
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves out what is not there.
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Leaves out an empty list.
    pub(super) fn list(self, name: &str, values: Vec<Value>) -> Self {
        if values.is_empty() {
            self
        } else {
            self.with(name, values)
        }
    }

    pub(super) fn build(self) -> Value {
        Value::Object(self.0)
    }
}

/// A text as a FHIR string, which must hold something but white space; hidden characters are shown.
pub(super) fn string(text: &str) -> Option<String> {
    let text = visible(text);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A concept in words.
pub(super) fn words(text: &str) -> Value {
    match string(text) {
        Some(text) => json!({"text": text}),
        None => absent("unknown", None),
    }
}

/// A concept of a system whose code is not fixed, such as an HGVS name; none where the text cannot be
/// a code.
pub(super) fn coded(system: &str, code: &str, display: Option<&str>) -> Option<Value> {
    let is_code = !code.is_empty() && visible(code) == code && !code.contains(char::is_whitespace);
    is_code.then(|| {
        let coding = Element::new()
            .with("system", system)
            .with("code", code)
            .maybe("display", display.and_then(string));
        json!({"coding": [coding.build()]})
    })
}

/// Why there is no value: a code of `data-absent-reason`, and the run's own word.
pub(super) fn absent(code: &str, reason: Option<&str>) -> Value {
    Element::new()
        .with("coding", json!([{"system": ABSENT, "code": code}]))
        .maybe("text", reason.and_then(string))
        .build()
}

/// The extension that stands where a primitive value is absent.
pub(super) fn absent_value(code: &str) -> Value {
    json!({"extension": [{"url": ABSENT_EXTENSION, "valueCode": code}]})
}

/// The code of `data-absent-reason` for a reason of the run.
pub(super) fn absent_code(reason: Option<&str>) -> &'static str {
    match reason {
        None => "unknown",
        Some("non_finite_score") => "not-a-number",
        Some("score_out_of_range") => "error",
        Some("covariate_unknown_category") => "unsupported",
        Some("sex_unknown" | "covariate_missing" | "feature_missing") => "unknown",
        Some(_) => "not-performed",
    }
}

/// A number with its unit.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// A UCUM unit: words, code.
    Ucum(&'static str, &'static str),
    /// The number has no unit that is known here, such as the output of a model.
    None,
}

pub(super) const SHARE: Unit = Unit::Ucum("share", "1");
pub(super) const COUNT: Unit = Unit::Ucum("count", "1");
pub(super) const PERCENT: Unit = Unit::Ucum("%", "%");
pub(super) const YEARS: Unit = Unit::Ucum("years", "a");

/// A quantity; none for NaN and infinities, which FHIR's decimals do not have.
pub(super) fn quantity(value: f64, unit: Unit) -> Option<Value> {
    let number = serde_json::Number::from_f64(value)?;
    let element = Element::new().with("value", Value::Number(number));
    Some(
        match unit {
            Unit::Ucum(unit, code) => element
                .with("unit", unit)
                .with("system", UCUM)
                .with("code", code),
            Unit::None => element,
        }
        .build(),
    )
}

/// A component with a code of its own.
pub(super) fn component(code: Code, name: &str, value: impl Into<Value>) -> Value {
    Element::new()
        .with("code", code.concept())
        .with(name, value)
        .build()
}

/// A component in words.
pub(super) fn component_in_words(code: &str, name: &str, value: impl Into<Value>) -> Value {
    Element::new()
        .with("code", words(code))
        .with(name, value)
        .build()
}

/// A component in words that is a number, or says why there is none.
pub(super) fn measure(code: &str, value: Option<f64>, unit: Unit, reason: Option<&str>) -> Value {
    let element = Element::new().with("code", words(code));
    match value.map(|value| quantity(value, unit)) {
        Some(Some(quantity)) => element.with("valueQuantity", quantity),
        Some(None) => element.with("dataAbsentReason", absent("not-a-number", reason)),
        None => element.with("dataAbsentReason", absent(absent_code(reason), reason)),
    }
    .build()
}

/// A component in words that is a text; none where there is none.
pub(super) fn remark(code: &str, text: Option<&str>) -> Option<Value> {
    let text = string(text?)?;
    Some(component_in_words(code, "valueString", text))
}

/// A count as a number of FHIR.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are far below 2^53"
)]
pub(super) fn count(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_empty_or_null() {
        let element = Element::new()
            .maybe("a", None::<&str>)
            .list("b", Vec::new())
            .maybe("c", string(" \u{0}x "))
            .maybe("d", string("  "));
        assert_eq!(element.build(), json!({"c": "\\u{0}x"}));
        assert_eq!(words(" ")["coding"][0]["code"], "unknown");
    }

    #[test]
    fn numbers_that_fhir_does_not_have() {
        assert_eq!(quantity(f64::NAN, SHARE), None);
        assert_eq!(quantity(f64::INFINITY, SHARE), None);
        let value = measure("x", Some(f64::NAN), SHARE, None);
        assert_eq!(
            value["dataAbsentReason"]["coding"][0]["code"],
            "not-a-number"
        );
        let value = measure("x", None, SHARE, Some("low_coverage"));
        assert_eq!(value["dataAbsentReason"]["text"], "low_coverage");
        assert_eq!(
            value["dataAbsentReason"]["coding"][0]["code"],
            "not-performed"
        );
    }

    #[test]
    fn what_can_be_a_code() {
        assert!(coded("s", "NC_000001.11:g.1A>G", None).is_some());
        for text in ["", "a b", "a\n", "\u{202e}a", "a\u{a0}b"] {
            assert!(coded("s", text, None).is_none(), "{text:?}");
        }
    }
}
