"""The order of the examples: that in which they teach."""

ORDER = (
    "quickstart.py",
    # functions
    "parabola.py",
    "rates.py",
    "two_dimensions.py",
    "narrow_valley.py",
    "plateau.py",
    "critical_points.py",
    "gradients.py",
    "flat_minima.py",
    # fitting
    "line.py",
    "batch_size.py",
    "batch_size_and_rate.py",
    "schedules.py",
    # estimators
    "raw_features.py",
    "early_stopping.py",
    "checkpoint_and_callbacks.py",
    "grid_search.py",
    "learning_rate_finder.py",
    "sparse_coefficients.py",
    "counts.py",
    "quantiles.py",
    "text_stream.py",
    "out_of_memory.py",
    "custom.py",
)


def position(filename):
    """Return the place of an example in its section; a new one has to be given one."""
    return ORDER.index(filename)
