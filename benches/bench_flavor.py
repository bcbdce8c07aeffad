"""A ZenML flavor with 200 attributes, for `zenml_server.py`: no flavor of ZenML accepts as many references."""
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
