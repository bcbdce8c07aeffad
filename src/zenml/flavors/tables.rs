//! The data: per version and flavor, which attributes are sensitive and which refuse references.
//!
//! `V0_98` was introspected from the `zenml` package 0.98.0 on `PyPI`, all its flavors; the earlier ones were read in the
//! sources of 0.13.2, 0.20.0, 0.30 and 0.44. A table of additions holds only what its version brought.

use super::Flavor;

const fn flavor(
    kind: &'static str,
    name: &'static str,
    sensitive_attributes: &'static [&'static str],
    refused_attributes: &'static [&'static str],
) -> Flavor {
    Flavor { kind, name, sensitive_attributes, refused_attributes }
}

/// 0.13.2 and 0.20.0.
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

/// What 0.30 added.
#[rustfmt::skip]
pub(super) const ADDED_0_30: &[Flavor] = &[
    flavor("experiment_tracker", "neptune", &["api_token"], &[]),
    flavor("orchestrator", "kubeflow", &["client_username", "client_password"], &[]),
];

/// What 0.44 added.
#[rustfmt::skip]
pub(super) const ADDED_0_44: &[Flavor] = &[
    flavor("orchestrator", "sagemaker", &["aws_access_key_id", "aws_secret_access_key"], &[]),
];

/// 0.98.0, all flavors.
#[rustfmt::skip]
pub(super) const V0_98: &[Flavor] = &[
    flavor("alerter", "discord", &["discord_token"], &[]),
    flavor("alerter", "slack", &["slack_token"], &[]),
    flavor("annotator", "argilla", &["api_key"], &["instance_url"]),
    flavor("annotator", "label_studio", &["api_key"], &[]),
    flavor("annotator", "pigeon", &[], &[]),
    flavor("annotator", "prodigy", &[], &[]),
    flavor("artifact_store", "azure", &[], &[]),
    flavor("artifact_store", "b2", &["key", "secret", "token"], &["client_kwargs"]),
    flavor("artifact_store", "digitalocean", &["key", "secret", "token"], &["client_kwargs"]),
    flavor("artifact_store", "gcp", &[], &[]),
    flavor("artifact_store", "local", &[], &["path"]),
    flavor("artifact_store", "s3", &["key", "secret", "token"], &["client_kwargs"]),
    flavor("container_registry", "aws", &[], &["uri"]),
    flavor("container_registry", "azure", &[], &["uri"]),
    flavor("container_registry", "default", &[], &["uri"]),
    flavor("container_registry", "digitalocean", &[], &["uri"]),
    flavor("container_registry", "dockerhub", &[], &["uri"]),
    flavor("container_registry", "gcp", &[], &["uri"]),
    flavor("container_registry", "github", &[], &["uri"]),
    flavor("data_validator", "deepchecks", &[], &[]),
    flavor("data_validator", "evidently", &[], &[]),
    flavor("data_validator", "great_expectations", &[], &["context_root_dir"]),
    flavor("data_validator", "whylogs", &[], &[]),
    flavor("deployer", "aws", &[], &[]),
    flavor("deployer", "docker", &[], &[]),
    flavor("deployer", "gcp", &[], &[]),
    flavor("deployer", "huggingface", &["token"], &[]),
    flavor("deployer", "kubernetes", &[], &["readiness_probe_path", "liveness_probe_path"]),
    flavor("deployer", "local", &[], &[]),
    flavor("experiment_tracker", "comet", &["api_key"], &[]),
    flavor("experiment_tracker", "mlflow", &["databricks_client_id", "databricks_client_secret", "tracking_password", "tracking_token", "tracking_username"], &[]),
    flavor("experiment_tracker", "neptune", &["api_token"], &[]),
    flavor("experiment_tracker", "trackio", &["hf_token"], &[]),
    flavor("experiment_tracker", "vertex", &["api_endpoint", "api_key", "encryption_spec_key_name"], &["experiment"]),
    flavor("experiment_tracker", "wandb", &["api_key"], &["settings"]),
    flavor("feature_store", "feast", &[], &[]),
    flavor("image_builder", "aws", &[], &[]),
    flavor("image_builder", "gcp", &[], &["location"]),
    flavor("image_builder", "kaniko", &[], &[]),
    flavor("image_builder", "local", &[], &[]),
    flavor("log_store", "datadog", &["api_key", "application_key"], &["max_export_batch_size"]),
    flavor("log_store", "otel", &[], &[]),
    flavor("model_deployer", "bentoml", &[], &[]),
    flavor("model_deployer", "databricks", &["client_id", "client_secret"], &[]),
    flavor("model_deployer", "huggingface", &["token"], &[]),
    flavor("model_deployer", "mlflow", &[], &[]),
    flavor("model_deployer", "seldon", &[], &[]),
    flavor("model_deployer", "vllm", &[], &[]),
    flavor("model_registry", "mlflow", &[], &[]),
    flavor("orchestrator", "airflow", &[], &["operator"]),
    flavor("orchestrator", "azureml", &[], &[]),
    flavor("orchestrator", "databricks", &["client_id", "client_secret", "docker_image_password"], &["autoscale", "init_scripts", "schedule_timezone"]),
    flavor("orchestrator", "hyperai", &[], &[]),
    flavor("orchestrator", "kubeflow", &["client_password", "client_username"], &[]),
    flavor("orchestrator", "kubernetes", &[], &["concurrency_policy", "pod_failure_policy", "api_request_timeout"]),
    flavor("orchestrator", "lightning", &["api_key", "user_id"], &[]),
    flavor("orchestrator", "local", &[], &[]),
    flavor("orchestrator", "local_docker", &[], &[]),
    flavor("orchestrator", "modal", &["token_id", "token_secret"], &[]),
    flavor("orchestrator", "sagemaker", &["aws_access_key_id", "aws_secret_access_key"], &[]),
    flavor("orchestrator", "ssh", &["ssh_key_passphrase", "ssh_private_key"], &[]),
    flavor("orchestrator", "tekton", &["client_password", "client_username"], &[]),
    flavor("orchestrator", "vertex", &[], &[]),
    flavor("orchestrator", "vm_aws", &[], &[]),
    flavor("orchestrator", "vm_azure", &[], &[]),
    flavor("orchestrator", "vm_gcp", &[], &[]),
    flavor("orchestrator", "vm_kubernetes", &[], &[]),
    flavor("orchestrator", "vm_lambda", &["api_key"], &[]),
    flavor("sandbox", "docker", &[], &[]),
    flavor("sandbox", "kubernetes", &[], &[]),
    flavor("sandbox", "local", &[], &[]),
    flavor("sandbox", "modal", &["token_id", "token_secret"], &[]),
    flavor("step_operator", "azureml", &["service_principal_id", "service_principal_password", "tenant_id"], &[]),
    flavor("step_operator", "baseten", &["api_key"], &[]),
    flavor("step_operator", "databricks", &["client_id", "client_secret", "docker_image_password"], &["autoscale", "init_scripts"]),
    flavor("step_operator", "kubernetes", &[], &["api_request_timeout"]),
    flavor("step_operator", "modal", &["token_id", "token_secret"], &[]),
    flavor("step_operator", "runai", &["client_id", "client_secret"], &["gpu_memory_request", "gpu_memory_limit", "cpu_memory_request", "cpu_memory_limit", "runai_base_url"]),
    flavor("step_operator", "sagemaker", &[], &[]),
    flavor("step_operator", "spark-kubernetes", &[], &[]),
    flavor("step_operator", "ssh", &["ssh_key_passphrase", "ssh_private_key"], &[]),
    flavor("step_operator", "vertex", &[], &[]),
];
