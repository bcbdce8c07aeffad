//! The sensitive attributes, and the attributes that accept no references, of each flavor in the
//! versions before 0.98. `table_0_98` contains the newest table.
//!
//! These tables were taken from the sources of 0.13.2, 0.20.0, 0.30 and 0.44. A table `ADDED_…`
//! contains only the flavors that its version added.

use super::flavor_row::{Flavor, row};

const fn flavor(
    kind: &'static str,
    name: &'static str,
    sensitive_attributes: &'static [&'static str],
    refused_attributes: &'static [&'static str],
) -> Flavor {
    row(kind, name)
        .sensitive(sensitive_attributes)
        .refused(refused_attributes)
}

/// The flavors of 0.13.2 and 0.20.0.
#[rustfmt::skip]
pub(super) const V0_13: &[Flavor] = &[
    flavor("alerter", "slack", &["slack_token"], &[]),
    flavor("artifact_store", "local", &[], &["path"]),
    flavor("artifact_store", "s3", &["key", "secret", "token"], &["client_kwargs", "config_kwargs", "s3_additional_kwargs"]),
    flavor("container_registry", "aws", &[], &["uri"]),
    flavor("container_registry", "azure", &[], &["uri"]),
    flavor("container_registry", "default", &[], &["uri"]),
    flavor("container_registry", "dockerhub", &[], &["uri"]),
    flavor("container_registry", "gcp", &[], &["uri"]),
    flavor("container_registry", "github", &[], &["uri"]),
    flavor("data_validator", "great_expectations", &[], &["context_root_dir"]),
    flavor("experiment_tracker", "mlflow", &["tracking_username", "tracking_password", "tracking_token"], &["tracking_uri"]),
    flavor("experiment_tracker", "wandb", &["api_key"], &[]),
    flavor("metadata_store", "mysql", &["username", "password"], &["database"]),
    flavor("metadata_store", "sqlite", &[], &["uri"]),
    flavor("step_operator", "azureml", &["service_principal_id", "service_principal_password", "tenant_id"], &[]),
    flavor("step_operator", "spark-kubernetes", &[], &["submit_kwargs"]),
];

/// The flavors that 0.30 added.
#[rustfmt::skip]
pub(super) const ADDED_0_30: &[Flavor] = &[
    flavor("experiment_tracker", "neptune", &["api_token"], &[]),
    flavor("orchestrator", "kubeflow", &["client_username", "client_password"], &[]),
];

/// The flavors that 0.44 added.
#[rustfmt::skip]
pub(super) const ADDED_0_44: &[Flavor] = &[
    flavor("orchestrator", "sagemaker", &["aws_access_key_id", "aws_secret_access_key"], &[]),
];
