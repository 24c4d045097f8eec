"""Random predictions with ties, extremes and imbalance, and what scikit-learn, SciPy and lifelines say
of them. One line for each list of numbers: its name, a tab, the numbers; nan is undefined.

scikit-survival does not install beside NumPy 1.26, so the area under the time-dependent receiver
operating characteristic and the Brier score under censoring are written here from their definitions.
"""

import warnings

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.stats import norm
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import label_binarize

warnings.filterwarnings("ignore")
EPSILON = np.finfo(float).eps


def put(name, values):
    print(name, " ".join(repr(float(value)) for value in np.ravel(values)), sep="\t")


def clipped(p):
    return np.clip(p, EPSILON, 1 - EPSILON)


def logit(p):
    return np.log(clipped(p)) - np.log1p(-clipped(p))


def expit(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def negative_log_likelihood(eta, y):
    return np.sum(np.logaddexp(0, eta) - y * eta)


def logistic(columns, y, bounds=None):
    """Unpenalised, by its own route: quasi-Newton, then polished where there are no bounds."""
    x = np.column_stack([np.ones(len(y)), *columns])
    scale = np.abs(x).max(axis=0)
    x = x / scale
    goal = lambda b: negative_log_likelihood(x @ b, y) / len(y)
    slope = lambda b: x.T @ (expit(x @ b) - y) / len(y)
    options = {"maxiter": 20000, "ftol": 1e-16, "gtol": 1e-13}
    b = minimize(goal, np.zeros(x.shape[1]), jac=slope, method="L-BFGS-B", bounds=bounds, options=options).x
    if bounds is None or all(low is None or own > 1e-9 for own, (low, _) in zip(b, bounds)):
        for _ in range(50):
            p = expit(x @ b)
            b = b - np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (p - y))
    return b / scale


def ece(y, p, strategy, bins=10):
    if strategy == "uniform":
        edges = np.linspace(0, 1, bins + 1)
    else:
        edges = np.percentile(p, np.linspace(0, 1, bins + 1) * 100)
    which = np.searchsorted(edges[1:-1], p)
    parts = [which == own for own in range(bins)]
    return sum(own.sum() * abs(p[own].mean() - y[own].mean()) for own in parts if own.any()) / len(y)


def wilson(events, count):
    z = norm.ppf(0.975)
    share = events / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return centre - half, centre + half


def binary(name, p, y, threshold):
    put(f"{name}.p", p)
    put(f"{name}.y", y)
    put(f"{name}.at", threshold)
    said = p >= threshold
    precision = metrics.precision_score(y, said, zero_division=np.nan)
    tn, fp, fn, tp = metrics.confusion_matrix(y, said).ravel()
    with_margins = min(tn + fp, fn + tp, tn + fn, fp + tp) > 0
    put(f"{name}.confusion", [tp, fp, tn, fn])
    x = logit(p)
    values = {
        "event_rate": y.mean(),
        "auroc": metrics.roc_auc_score(y, p),
        "average_precision": metrics.average_precision_score(y, p),
        "brier": metrics.brier_score_loss(y, p),
        "log_loss": metrics.log_loss(y, p),
        "calibration_in_the_large": brentq(lambda a: np.sum(y - expit(a + x)), -60, 60, xtol=1e-13),
        "calibration_slope": logistic([x], y)[1],
        "ece_equal_width": ece(y, p, "uniform"),
        "ece_equal_count": ece(y, p, "quantile"),
        "accuracy": metrics.accuracy_score(y, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, said),
        "precision": precision,
        "recall": metrics.recall_score(y, said),
        "specificity": metrics.recall_score(~y, ~said),
        "false_positive_rate": fp / (fp + tn),
        "selection_rate": said.mean(),
        "f1": metrics.f1_score(y, said),
        "matthews_correlation": metrics.matthews_corrcoef(y, said) if with_margins else np.nan,
    }
    for metric, value in values.items():
        put(f"{name}.value.{metric}", value)
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    put(f"{name}.slope_sklearn", regression.fit(x[:, None], y).coef_)

    fpr, tpr, at = metrics.roc_curve(y, p, drop_intermediate=False)
    put(f"{name}.roc", np.column_stack([at, fpr, tpr]))
    precisions, recalls, at = metrics.precision_recall_curve(y, p)
    # From few to everybody, with the point that nobody has reached first.
    put(f"{name}.pr", np.column_stack([np.r_[np.inf, at[::-1]], recalls[::-1], precisions[::-1]]))
    for strategy in ["uniform", "quantile"]:
        observed, predicted = calibration_curve(y, p, n_bins=10, strategy=strategy)
        put(f"{name}.calibration.{strategy}", np.column_stack([predicted, observed]))
    which = np.searchsorted(np.linspace(0, 1, 11)[1:-1], p)
    rows = [(own.sum(), y[own].sum(), *wilson(y[own].sum(), own.sum())) for own in
            (which == bin for bin in range(10)) if own.any()]
    put(f"{name}.wilson", rows)
    decisions = []
    for t in np.arange(1, 20) / 20:
        own = p >= t
        odds = t / (1 - t)
        model = (np.sum(own & y) - np.sum(own & ~y) * odds) / len(y)
        decisions.append((t, model, y.mean() - (1 - y.mean()) * odds))
    put(f"{name}.decision", decisions)


def multiclass(name, p, y):
    classes = p.shape[1]
    put(f"{name}.shape", p.shape)
    put(f"{name}.p", p)
    put(f"{name}.y", y)
    said = p.argmax(axis=1)
    labels = np.arange(classes)
    one = label_binarize(y, classes=labels)
    put(f"{name}.confusion", metrics.confusion_matrix(y, said, labels=labels))
    precision = metrics.precision_score(y, said, labels=labels, average=None, zero_division=np.nan)
    recall = metrics.recall_score(y, said, labels=labels, average=None, zero_division=np.nan)
    f1 = metrics.f1_score(y, said, labels=labels, average=None, zero_division=np.nan)
    present = one.any(axis=0)
    areas = [metrics.roc_auc_score(one[:, c], p[:, c]) if present[c] else np.nan for c in labels]
    macro = metrics.roc_auc_score(y, p, multi_class="ovr", labels=labels) if present.all() else np.nan
    put(f"{name}.overall", [
        metrics.accuracy_score(y, said), metrics.balanced_accuracy_score(y, said), macro,
        metrics.log_loss(y, p, labels=labels), metrics.brier_score_loss(y, p, labels=labels),
        precision.mean(), recall.mean(), f1.mean(),
    ])
    put(f"{name}.classes", np.column_stack([one.mean(axis=0), areas, precision, recall, f1]))


def censoring(times, events):
    """The chance to be uncensored after a time, where events come before censorings of their time."""
    def chance(t):
        value = 1.0
        for own in np.unique(times[~events & (times <= t)]):
            at_risk = np.sum(times > own) + np.sum((times == own) & ~events)
            value *= 1 - np.sum((times == own) & ~events) / at_risk
        return value
    return chance


def area_at(times, events, scores, t):
    chance = censoring(times, events)
    top = bottom = 0.0
    for case in np.flatnonzero((times <= t) & events):
        controls = scores[times > t]
        weight = 1 / chance(times[case])
        top += weight * (np.sum(scores[case] > controls) + 0.5 * np.sum(scores[case] == controls))
        bottom += weight * len(controls)
    return top / bottom


def brier_at(times, events, survival, t):
    chance = censoring(times, events)
    total = np.sum((1 - survival[times > t]) ** 2) / chance(t)
    for case in np.flatnonzero((times <= t) & events):
        total += survival[case] ** 2 / chance(times[case])
    return total / len(times)


def survival(name, times, events, scores, horizons):
    from lifelines import KaplanMeierFitter
    from lifelines.utils import concordance_index

    put(f"{name}.times", times)
    put(f"{name}.events", events)
    put(f"{name}.scores", scores)
    put(f"{name}.horizons", horizons)
    predicted = [np.exp(-t * np.exp(scores - 2.5)) for t in horizons]
    put(f"{name}.survival", predicted)
    put(f"{name}.concordance", concordance_index(times, -scores, events))
    put(f"{name}.areas", [area_at(times, events, scores, t) for t in horizons])
    put(f"{name}.briers", [brier_at(times, events, own, t) for own, t in zip(predicted, horizons)])
    fitted = KaplanMeierFitter().fit(times, events)
    own = np.unique(times)
    bounds = fitted.confidence_interval_.loc[own].to_numpy()
    put(f"{name}.kaplan_meier", np.column_stack([own, fitted.predict(own), bounds]))


def calibrators(name, p, y):
    put(f"{name}.p", p)
    put(f"{name}.y", y)
    events, others = y.sum(), (~y).sum()
    target = np.where(y, (events + 1) / (events + 2), 1 / (others + 2))
    put(f"{name}.platt_logit", logistic([logit(p)], target))
    put(f"{name}.platt_raw", logistic([p], target))
    log, complement = np.log(clipped(p)), -np.log1p(-clipped(p))
    c, a, b = logistic([log, complement], y, bounds=[(None, None), (0, None), (0, None)])
    # A search that is held at a bound is polished without the column that the bound takes out.
    if a == 0:
        c, b = logistic([complement], y)
    elif b == 0:
        c, a = logistic([log], y)
    put(f"{name}.beta", [a, b, c])
    grid = np.linspace(0, 1, 501)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    put(f"{name}.isotonic", np.column_stack([grid, fitted.predict(grid)]))
    put(f"{name}.isotonic_own", fitted.predict(p))


def survivors(random, count, decimals, censored):
    scores = np.round(random.normal(size=count), 1 if decimals < 2 else 6)
    life = random.exponential(np.exp(2.5 - scores) / 2)
    until = random.exponential(censored, size=count) + 0.1
    times = np.round(np.minimum(life, until) + 0.05, decimals)
    return times, life <= until, scores


def main():
    random = np.random.default_rng(20240607)
    p = random.beta(2, 3, size=500)
    binary("plain", p, random.random(500) < p, 0.5)
    p = np.round(random.beta(1, 1, size=800), 2)
    binary("ties", p, random.random(800) < p**2, 0.3)
    p = np.round(random.beta(1, 1, size=300), 1)
    binary("coarse", p, random.random(300) < 0.2 + 0.5 * p, 0.7)
    p = random.choice([0.0, 1e-300, 1e-17, 1e-16, 1e-9, 0.2, 0.5, 0.9, 1 - 1e-9, 1 - 1e-16, 1.0], size=400)
    binary("extreme", p, random.random(400) < 0.1 + 0.8 * p, 0.5)
    p = random.beta(1, 60, size=5000)
    binary("rare", p, random.random(5000) < p * 0.6, 0.1)
    binary("nobody_said", p[:900], random.random(900) < 0.02 + p[:900], 0.9)
    for name, share, count in [("three", [0.6, 0.3, 0.1], 600), ("five", [0.3, 0.3, 0.2, 0.15, 0.05], 900)]:
        p = np.round(random.dirichlet(np.array(share) * 4, size=count), 2)
        p = np.clip(p, 0, 1)
        p[:, 0] = np.clip(1 - p[:, 1:].sum(axis=1), 0, 1)
        p /= p.sum(axis=1, keepdims=True)
        y = np.array([random.choice(len(share), p=own) for own in p])
        multiclass(name, p, y)
    p = random.dirichlet([5, 3, 0.5, 1], size=200)
    multiclass("never_said", np.column_stack([p[:, 0], p[:, 1], p[:, 2] * 1e-3, p[:, 3] + p[:, 2] * 0.999]),
               random.choice(4, size=200))
    multiclass("absent", p, random.choice(3, size=200))
    survival("smooth", *survivors(random, 300, 6, 12), np.array([1.0, 4.0, 9.0]))
    survival("tied", *survivors(random, 400, 0, 8), np.array([1.0, 3.0, 7.0]))
    survival("censored", *survivors(random, 500, 1, 1.5), np.array([0.4, 2.0]))
    p = random.beta(2, 3, size=500)
    calibrators("overconfident", p, random.random(500) < expit(0.5 * logit(p) - 0.3))
    p = np.round(random.beta(1, 2, size=1000), 2)
    calibrators("rounded", p, random.random(1000) < p**2)
    p = random.beta(0.6, 0.6, size=700)
    calibrators("bent", p, random.random(700) < 0.02 + 0.05 * (1 - p) ** 2 + 0.9 * np.clip(p * 5 - 4, 0, 1) ** 2)
    p = random.beta(0.6, 0.6, size=700)
    calibrators("early", p, random.random(700) < np.minimum(p * 4, 1) * (0.9 - 0.2 * p))


if __name__ == "__main__":
    main()
