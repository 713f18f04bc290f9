//! The rates of kpi-semantics, section 4.

use polars::prelude::*;

/// A rate: its column, numerator and denominator.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Name of its column.
    pub name: &'static str,
    numerator: &'static str,
    denominator: &'static str,
}

const fn rate(name: &'static str, numerator: &'static str, denominator: &'static str) -> Rate {
    Rate {
        name,
        numerator,
        denominator,
    }
}

/// All rates, in the order of the specification, then those without what machines make.
pub const RATES: [Rate; 19] = [
    rate("delivered_rate", "delivered", "processed"),
    rate("bounce_error_rate", "bounces_errors", "processed"),
    rate("delivered_rate_of_sent", "delivered", "sent"),
    rate("bounce_error_rate_of_sent", "bounces_errors", "sent"),
    rate("hard_bounce_rate", "hard_bounces", "sent"),
    rate("soft_bounce_rate", "soft_bounces", "sent"),
    rate("open_rate", "unique_opens", "delivered"),
    rate("open_rate_total", "opens", "delivered"),
    rate("click_through_rate", "unique_clicks", "delivered"),
    rate("click_to_open_rate", "unique_clicks", "unique_opens"),
    rate("unsubscribe_rate", "unsubscribes", "delivered"),
    rate("complaint_rate", "complaints", "delivered"),
    rate("mirror_page_rate", "mirror_page_views", "delivered"),
    rate("progress", "processed", "to_deliver"),
    rate("human_open_rate", "human_unique_opens", "delivered"),
    rate("human_open_rate_total", "human_opens", "delivered"),
    rate(
        "human_click_through_rate",
        "human_unique_clicks",
        "delivered",
    ),
    rate(
        "human_click_to_open_rate",
        "human_unique_clicks",
        "human_unique_opens",
    ),
    rate("human_unsubscribe_rate", "human_unsubscribes", "delivered"),
];

/// The frame with all rates behind its columns; it has the counters and `to_deliver`.
pub fn with_rates(mut frame: DataFrame) -> PolarsResult<DataFrame> {
    for rate in RATES {
        let numerator = frame.column(rate.numerator)?.cast(&DataType::Float64)?;
        // No denominator, no rate: null, never NaN and never 0.
        let denominator = frame.column(rate.denominator)?.i64()?;
        let denominator = denominator.apply(|value| value.filter(|value| *value != 0));
        let denominator = denominator.into_column().cast(&DataType::Float64)?;
        let values = (numerator / denominator)?;
        frame.with_column(values.with_name(rate.name.into()))?;
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_is_the_quotient_of_the_specification_or_null() {
        let names = [
            "processed",
            "delivered",
            "bounces_errors",
            "sent",
            "hard_bounces",
            "soft_bounces",
            "unique_opens",
            "opens",
            "unique_clicks",
            "unsubscribes",
            "complaints",
            "mirror_page_views",
            "human_unique_opens",
            "human_opens",
            "human_unique_clicks",
            "human_unsubscribes",
        ];
        let mut columns: Vec<Column> = names
            .iter()
            .enumerate()
            .map(|(place, name)| {
                // Different primes tell every quotient apart; the second row is all zero.
                let prime = [
                    2i64, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 43, 47, 53, 59,
                ][place];
                Column::new((*name).into(), [prime, 0])
            })
            .collect();
        columns.push(Column::new("to_deliver".into(), [Some(41i64), None]));
        let frame = DataFrame::new_infer_height(columns).expect("a frame");
        let rated = with_rates(frame).expect("rates");
        let expected = [
            ("delivered_rate", 3.0 / 2.0),
            ("bounce_error_rate", 5.0 / 2.0),
            ("delivered_rate_of_sent", 3.0 / 7.0),
            ("bounce_error_rate_of_sent", 5.0 / 7.0),
            ("hard_bounce_rate", 11.0 / 7.0),
            ("soft_bounce_rate", 13.0 / 7.0),
            ("open_rate", 17.0 / 3.0),
            ("open_rate_total", 19.0 / 3.0),
            ("click_through_rate", 23.0 / 3.0),
            ("click_to_open_rate", 23.0 / 17.0),
            ("unsubscribe_rate", 29.0 / 3.0),
            ("complaint_rate", 31.0 / 3.0),
            ("mirror_page_rate", 37.0 / 3.0),
            ("progress", 2.0 / 41.0),
            ("human_open_rate", 43.0 / 3.0),
            ("human_open_rate_total", 47.0 / 3.0),
            ("human_click_through_rate", 53.0 / 3.0),
            ("human_click_to_open_rate", 53.0 / 43.0),
            ("human_unsubscribe_rate", 59.0 / 3.0),
        ];
        assert_eq!(expected.len(), RATES.len());
        for (name, value) in expected {
            let column = rated.column(name).expect(name).f64().expect("doubles");
            assert_eq!(column.get(0), Some(value), "{name}");
            assert_eq!(column.get(1), None, "{name} over nothing");
        }
    }
}
