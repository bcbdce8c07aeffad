"""A flavor of ZenML with two hundred attributes, for `beside_zenml.py`: no shipped flavor takes as many references."""
from typing import Optional

from pydantic import create_model
from zenml.experiment_trackers.base_experiment_tracker import (
    BaseExperimentTracker,
    BaseExperimentTrackerConfig,
    BaseExperimentTrackerFlavor,
)

BenchConfig = create_model(
    "BenchConfig", __base__=BaseExperimentTrackerConfig, **{f"a{at}": (Optional[str], None) for at in range(200)}
)


class BenchTracker(BaseExperimentTracker):
    def prepare_step_run(self, info):
        pass


class BenchFlavor(BaseExperimentTrackerFlavor):
    name = "bench"
    config_class = BenchConfig
    implementation_class = BenchTracker
