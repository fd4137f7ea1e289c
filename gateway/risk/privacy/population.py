"""Models that look beyond the table: k-map, δ-presence, population uniqueness."""

from typing import Final

from gateway.errors import InvalidRequest
from gateway.model.anonymity import DeltaPresence, KMap, PopulationUniqueness
from gateway.model.exact import millionths
from gateway.risk.measures.uniqueness import estimate
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import UNIT, Claim, Verdict, decimal, rounded_up

K_MAP: Final = Claim(
    guarantee="every class agrees with at least k records of the population table, so that who "
    "does not know whether a person is in the table finds k people a record may be of",
    nulls="a null is a value of its own, in both tables",
    leaves="who knows that a person is in the table may find them at once; it is as true as the "
    "population table is complete",
    source="Sweeney, Computational disclosure control, PhD thesis, MIT, 2001, section 7.3",
)
DELTA_PRESENCE: Final = Claim(
    guarantee="of the population's records in every class a share between the two limits is in the "
    "table, so that nobody learns much of whether a person is in it",
    nulls="a null is a value of its own, in both tables",
    leaves="what is told of those who are in the table; it is as true as the population table is",
    source="Nergiz, Atzori and Clifton, Hiding the presence of individuals from shared databases, "
    "SIGMOD 2007, definition 3",
)
POPULATION_UNIQUENESS: Final = Claim(
    guarantee="the share of the population that is alone in its class is estimated to be at most "
    "the limit",
    nulls="a null is a value of its own",
    leaves="the search and the check share the estimator, unlike the counts of any other model, so "
    "that a fault of it would be in both; it is an estimate from a model of class sizes that may not be those of this "
    "population; single records may be alone all the same",
    source="Hoshino, Journal of Official Statistics 17(4), 2001 (Pitman); Zayatz, Bureau of the "
    "Census SRD 91/08, 1991; Chen and Keller-McNulty, Journal of Official Statistics 14(1), 1998",
)


def k_map(model: KMap, classes: Classes) -> Verdict:
    """A class that is not in the population at all agrees with 0 of its records."""
    population = _population(model.population, classes)
    same = " AND ".join(f"c.{key} IS NOT DISTINCT FROM p.{key}" for key in classes.keys)
    smallest = classes.number(
        f"SELECT min(coalesce(p.n, 0)) FROM classes c LEFT JOIN {population} p ON {same}"  # noqa: S608
    )
    return Verdict(
        model,
        holds=not classes.rows or smallest >= model.k,
        name="population records in the smallest class",
        figure=str(smallest) if classes.rows else "no records",
        limit=str(model.k),
    )


def delta_presence(model: DeltaPresence, classes: Classes) -> Verdict:
    """The smallest share rounded down and the largest rounded up, to a millionth."""
    population = _population(model.population, classes)
    same = " AND ".join(f"c.{key} IS NOT DISTINCT FROM p.{key}" for key in classes.keys)
    [(strangers, least, most)] = classes.run(
        f"""
        SELECT coalesce(bool_or(p.n IS NULL OR c.n > p.n), false),
            min(coalesce(c.n, 0)::HUGEINT * {UNIT} // p.n), max(ceil_share(coalesce(c.n, 0), p.n))
        FROM {population} p FULL JOIN classes c ON {same}
        """  # noqa: S608 - own names
    )
    low, high = int(least or 0), int(most or 0)
    return Verdict(
        model,
        # Whoever is not in the population table shows that it is not the population.
        holds=not strangers
        and low >= millionths(model.minimum)
        and high <= millionths(model.maximum),
        name="share of the population's classes that is in the table",
        figure="records that are not in the population table"
        if strangers
        else f"{decimal(low)} to {decimal(high)}",
        limit=f"{model.minimum} to {model.maximum}",
    )


def population_uniqueness(model: PopulationUniqueness, classes: Classes) -> Verdict:
    """Without an estimate the model does not hold."""
    sizes = {
        int(size): int(count)
        for size, count in classes.run("SELECT n, count(*) FROM classes GROUP BY n")
    }
    fraction = millionths(model.sampling_fraction) / UNIT
    share = estimate(model.estimator, sizes, fraction)
    return Verdict(
        model,
        holds=share is not None and rounded_up(share) <= millionths(model.at_most),
        name=f"share of the population estimated to be alone in its class ({model.estimator})",
        figure="no estimate" if share is None else decimal(rounded_up(share)),
        limit=model.at_most,
    )


def _population(name: str, classes: Classes) -> str:
    table = classes.populations.get(name)
    if table is None:
        raise InvalidRequest.of("populations", f"there is no population table {name}: give it")
    return table
