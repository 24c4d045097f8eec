use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    AsArray, Date32Array, Float32Array, Float64Array, Int32Array, Int64Array, LargeStringArray,
    ListArray, StringArray, TimestampSecondArray, UInt8Array, UInt64Array,
};
use arrow::datatypes::{Float32Type, Float64Type, Int64Type, UInt32Type};
use proptest::prelude::*;

use super::*;
use crate::deidentify::{DatePart, Written};

fn done(rule: &Coarsening, column: &dyn Array) -> ArrayRef {
    let coarse = apply(rule, column).unwrap();
    // What is planned is what comes.
    assert_eq!(
        output_type(rule, column.data_type()).unwrap(),
        *coarse.data_type()
    );
    coarse
}

fn labels(rule: &Coarsening, column: &dyn Array) -> Vec<String> {
    let coarse = done(rule, column);
    let text = coarse.as_string::<i32>().iter();
    text.map(|own| own.unwrap_or("null").to_owned()).collect()
}

fn bins(width: f64, bottom: Option<f64>, top: Option<f64>, write: Written) -> Coarsening {
    Coarsening::Bins {
        width,
        origin: 0.0,
        bottom,
        top,
        write,
    }
}

fn some<T: Clone>(values: &[T]) -> Vec<Option<T>> {
    values.iter().cloned().map(Some).collect()
}

#[test]
fn whole_numbers_in_bins() {
    let ages = Int32Array::from(vec![
        Some(0),
        Some(9),
        Some(10),
        Some(49),
        None,
        Some(90),
        Some(104),
        Some(-1),
        Some(-10),
    ]);
    assert_eq!(
        labels(&bins(10.0, None, Some(90.0), Written::Label), &ages),
        [
            "0-9",
            "0-9",
            "10-19",
            "40-49",
            "null",
            "90+",
            "90+",
            "-10 to -1",
            "-10 to -1"
        ]
    );
    assert_eq!(
        labels(&bins(10.0, Some(20.0), None, Written::Label), &ages)[..4],
        ["<20", "<20", "<20", "40-49"]
    );
    assert_eq!(
        labels(&bins(1.0, None, None, Written::Label), &ages)[3],
        "49"
    );
    let origin = Coarsening::Bins {
        width: 5.0,
        origin: 2.0,
        bottom: None,
        top: None,
        write: Written::Label,
    };
    assert_eq!(
        labels(&origin, &ages)[..4],
        ["-3 to 1", "7-11", "7-11", "47-51"]
    );
    let numbers = done(&bins(10.0, Some(0.0), Some(90.0), Written::Number), &ages);
    assert_eq!(
        numbers.as_primitive::<Float64Type>(),
        &Float64Array::from(vec![
            Some(0.0),
            Some(0.0),
            Some(10.0),
            Some(40.0),
            None,
            Some(90.0),
            Some(90.0),
            Some(0.0),
            Some(0.0)
        ])
    );
}

#[test]
fn numbers_with_a_point_in_bins() {
    let values = Float64Array::from(some(&[
        0.0,
        49.5,
        49.999,
        50.0,
        -0.1,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ]));
    assert_eq!(
        labels(&bins(10.0, None, None, Written::Label), &values),
        [
            "0 to <10",
            "40 to <50",
            "40 to <50",
            "50 to <60",
            "-10 to <0",
            "inf",
            "-inf",
            "NaN"
        ]
    );
    assert_eq!(
        labels(&bins(10.0, Some(0.0), Some(50.0), Written::Label), &values)[3..],
        ["50+", "<0", "50+", "<0", "NaN"]
    );
    // 3 * 0.1 is more than 0.3, and 0.3 of 32 bits is more than 0.3 of 64.
    let tenths = Float64Array::from(some(&[0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 1.1, 2.3]));
    let tenth = bins(0.1, None, None, Written::Number);
    assert_eq!(done(&tenth, &tenths).as_primitive::<Float64Type>(), &tenths);
    let tenths: Vec<f32> = (-50_i16..50)
        .map(|own| (f64::from(own) / 10.0) as f32)
        .collect();
    let narrow = done(&tenth, &Float32Array::from(tenths.clone()));
    for (own, before) in narrow
        .as_primitive::<Float64Type>()
        .values()
        .iter()
        .zip(tenths)
    {
        assert_eq!(own.to_string(), (before + 0.0).to_string());
    }
    assert!(matches!(
        apply(
            &bins(1e-6, None, None, Written::Label),
            &Float64Array::from(some(&[0.5, 1e9]))
        ),
        Err(Refusal::Value(1, _))
    ));
}

#[test]
fn numbers_between_cuts() {
    let rule = Coarsening::Cuts {
        at: vec![18.0, 40.0, 65.0],
    };
    let whole = UInt8Array::from(vec![
        Some(17),
        Some(18),
        Some(39),
        Some(40),
        Some(65),
        Some(255),
        None,
    ]);
    assert_eq!(
        labels(&rule, &whole),
        ["<18", "18-39", "18-39", "40-64", "65+", "65+", "null"]
    );
    let values = Float64Array::from(some(&[
        17.9,
        39.9,
        65.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ]));
    assert_eq!(
        labels(&rule, &values),
        ["<18", "18 to <40", "65+", "NaN", "65+", "<18"]
    );
}

#[test]
fn numbers_within_limits() {
    let limits = |write| Coarsening::Limits {
        bottom: Some(18.0),
        top: Some(90.0),
        write,
    };
    let values = Float64Array::from(vec![Some(17.0), Some(18.0), Some(89.5), Some(90.0), None]);
    assert_eq!(
        labels(&limits(Written::Label), &values),
        ["<18", "18", "89.5", "90+", "null"]
    );
    assert_eq!(
        done(&limits(Written::Number), &values).as_primitive::<Float64Type>(),
        &Float64Array::from(vec![Some(18.0), Some(18.0), Some(89.5), Some(90.0), None])
    );
}

#[test]
fn numbers_with_fewer_digits() {
    let two = Coarsening::Round {
        significant_digits: 2,
    };
    let values = Float64Array::from(vec![
        Some(0.012_345),
        Some(-987.6),
        Some(0.0),
        Some(1.05e300),
        None,
        Some(f64::INFINITY),
    ]);
    assert_eq!(
        done(&two, &values).as_primitive::<Float64Type>(),
        // 1.05e300 is a little more than it looks.
        &Float64Array::from(vec![
            Some(0.012),
            Some(-990.0),
            Some(0.0),
            Some(1.1e300),
            None,
            Some(f64::INFINITY)
        ])
    );
    let narrow = Float32Array::from(some(&[0.123_456_7, 3.4e38]));
    let narrow = done(&two, &narrow);
    assert_eq!(
        narrow.as_primitive::<Float32Type>().values()[..],
        [0.12_f32, 3.4e38]
    );
    let whole = UInt8Array::from(vec![Some(255), Some(0), None]);
    let one = Coarsening::Round {
        significant_digits: 1,
    };
    assert_eq!(
        done(&one, &whole).as_primitive::<Int64Type>(),
        &Int64Array::from(vec![Some(300), Some(0), None])
    );
    let large = UInt64Array::from(vec![1 << 53]);
    assert!(matches!(apply(&one, &large), Err(Refusal::Value(0, _))));
    let below = UInt64Array::from(vec![(1 << 53) - 1]);
    assert_eq!(
        done(&one, &below).as_primitive::<Int64Type>().value(0),
        9_000_000_000_000_000
    );
}

#[test]
fn dates_lose_their_days() {
    let rule = |to| Coarsening::Date { to };
    let text = StringArray::from(vec![
        Some("1975-03-31"),
        None,
        Some("2024-02-29T10:00:00Z"),
        Some("0099-12-01 1"),
    ]);
    assert_eq!(
        labels(&rule(DatePart::Year), &text),
        ["1975", "null", "2024", "0099"]
    );
    assert_eq!(
        labels(&rule(DatePart::Month), &text),
        ["1975-03", "null", "2024-02", "0099-12"]
    );
    let days = Date32Array::from(vec![Some(-1), Some(0), None]);
    assert_eq!(
        labels(&rule(DatePart::Month), &days),
        ["1969-12", "1970-01", "null"]
    );
    let times = TimestampSecondArray::from(vec![Some(-1), Some(86_400 * 31)]);
    assert_eq!(
        labels(&rule(DatePart::Month), &times),
        ["1969-12", "1970-02"]
    );
    for wrong in [
        "",
        "1975",
        "31.03.1975",
        "1975-02-30",
        "1975-03-311",
        "ääääää",
        "1975-3-1",
    ] {
        let column = StringArray::from(vec![wrong]);
        let refused = apply(&rule(DatePart::Year), &column);
        assert!(matches!(refused, Err(Refusal::Value(0, _))), "{wrong}");
    }
    assert!(apply(&rule(DatePart::Year), &Date32Array::from(vec![i32::MAX])).is_err());
}

#[test]
fn text_becomes_shorter_or_other() {
    let postcodes = StringArray::from(vec![Some("80331"), Some("8"), Some("ÄÖÜß"), Some(""), None]);
    let prefix = Coarsening::Prefix { length: 2 };
    assert_eq!(labels(&prefix, &postcodes), ["80", "8", "ÄÖ", "", "null"]);
    let large = LargeStringArray::from(vec!["80331"]);
    assert_eq!(labels(&prefix, &large), ["80"]);
    let map = |other: Option<&str>| Coarsening::Map {
        values: BTreeMap::from([
            ("80331".into(), "south".into()),
            ("8".into(), "north".into()),
        ]),
        other: other.map(Into::into),
    };
    assert_eq!(
        labels(&map(Some("other")), &postcodes),
        ["south", "north", "other", "other", "null"]
    );
    assert!(matches!(
        apply(&map(None), &postcodes),
        Err(Refusal::Value(2, _))
    ));
}

#[test]
fn other_types_are_refused_before_and_while() {
    let list = ListArray::from_iter_primitive::<UInt32Type, _, _>([Some(vec![Some(1)])]);
    let text = StringArray::from(vec!["1"]);
    let number = Int32Array::from(vec![1]);
    let rules = [
        bins(1.0, None, None, Written::Label),
        Coarsening::Cuts { at: vec![1.0] },
        Coarsening::Limits {
            bottom: None,
            top: Some(1.0),
            write: Written::Number,
        },
        Coarsening::Round {
            significant_digits: 1,
        },
        Coarsening::Date { to: DatePart::Year },
        Coarsening::Prefix { length: 1 },
        Coarsening::Map {
            values: BTreeMap::new(),
            other: Some("x".into()),
        },
    ];
    for (at, rule) in rules.iter().enumerate() {
        let other: &dyn Array = if at < 4 { &text } else { &number };
        for column in [&list as &dyn Array, other] {
            assert!(matches!(
                output_type(rule, column.data_type()),
                Err(Refusal::Type(_))
            ));
            assert!(
                matches!(apply(rule, column), Err(Refusal::Type(_))),
                "{rule:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn a_bin_holds_its_value(value in -1e6_f64..1e6, width in prop::sample::select(vec![0.01, 0.1, 0.25, 0.3, 1.0, 7.0, 10.0])) {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![value]));
        let low = done(&bins(width, None, None, Written::Number), &column);
        let low = low.as_primitive::<Float64Type>().value(0);
        prop_assert!(low <= value && value < low + width * 1.000_001 + 1e-9, "{} {}", low, value);
        let label = &labels(&bins(width, None, None, Written::Label), &column)[0];
        let (first, after) = label.split_once(" to <").unwrap();
        prop_assert_eq!(first.parse::<f64>().unwrap(), low);
        prop_assert!(value < after.parse::<f64>().unwrap());
    }

    #[test]
    fn whole_bins_are_those_of_euclid(value in any::<i32>(), width in 1_i32..1000) {
        let column = Int32Array::from(vec![value]);
        let low = done(&bins(f64::from(width), None, None, Written::Number), &column);
        let expected = i64::from(value).div_euclid(i64::from(width)) * i64::from(width);
        prop_assert_eq!(low.as_primitive::<Float64Type>().value(0), expected as f64);
    }

    #[test]
    fn no_date_panics(text in ".{0,14}") {
        let _ = apply(&Coarsening::Date { to: DatePart::Month }, &StringArray::from(vec![text]));
    }
}
