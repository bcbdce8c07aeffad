//! The flavors of `zenml` 0.98.0 with all their attributes.
//!
//! `tests/ci/zenml_flavors.py` generates this table from the classes in the package.

use super::flavor_row::{Flavor, row};

#[rustfmt::skip]
pub(super) const V0_98: &[Flavor] = &[
    row("alerter", "discord")
        .sensitive(&["discord_token"])
        .strings(&["discord_token", "default_discord_channel_id"]),
    row("alerter", "slack")
        .sensitive(&["slack_token"])
        .strings(&["slack_channel_id", "slack_token", "default_slack_channel_id"])
        .others(&["timeout"]),
    row("annotator", "argilla")
        .sensitive(&["api_key"])
        .refused(&["instance_url"])
        .strings(&["authentication_secret", "instance_url", "api_key", "headers", "httpx_extra_kwargs", "extra_headers"])
        .others(&["port"]),
    row("annotator", "label_studio")
        .sensitive(&["api_key"])
        .strings(&["authentication_secret", "instance_url", "api_key"])
        .others(&["port"]),
    row("annotator", "pigeon")
        .strings(&["authentication_secret", "output_dir"]),
    row("annotator", "prodigy")
        .strings(&["authentication_secret", "custom_config_path"]),
    row("artifact_store", "azure")
        .strings(&["authentication_secret", "path"]),
    row("artifact_store", "b2")
        .sensitive(&["key", "secret", "token"])
        .refused(&["client_kwargs"])
        .strings(&["authentication_secret", "path", "key", "secret", "token"])
        .others(&["client_kwargs", "config_kwargs", "s3_additional_kwargs"]),
    row("artifact_store", "digitalocean")
        .sensitive(&["key", "secret", "token"])
        .refused(&["client_kwargs"])
        .strings(&["authentication_secret", "path", "key", "secret", "token", "region"])
        .others(&["client_kwargs", "config_kwargs", "s3_additional_kwargs"]),
    row("artifact_store", "gcp")
        .strings(&["authentication_secret", "path"]),
    row("artifact_store", "local")
        .refused(&["path"])
        .strings(&["path"]),
    row("artifact_store", "s3")
        .sensitive(&["key", "secret", "token"])
        .refused(&["client_kwargs"])
        .strings(&["authentication_secret", "path", "key", "secret", "token"])
        .others(&["client_kwargs", "config_kwargs", "s3_additional_kwargs"]),
    row("container_registry", "aws")
        .refused(&["uri"])
        .strings(&["authentication_secret", "uri", "default_repository"]),
    row("container_registry", "azure")
        .refused(&["uri"])
        .strings(&["authentication_secret", "uri", "default_repository"]),
    row("container_registry", "default")
        .refused(&["uri"])
        .strings(&["authentication_secret", "uri", "default_repository"]),
    row("container_registry", "digitalocean")
        .refused(&["uri"])
        .strings(&["authentication_secret", "uri", "default_repository"]),
    row("container_registry", "dockerhub")
        .refused(&["uri"])
        .strings(&["authentication_secret", "uri", "default_repository"]),
    row("container_registry", "gcp")
        .refused(&["uri"])
        .strings(&["authentication_secret", "uri", "default_repository"]),
    row("container_registry", "github")
        .refused(&["uri"])
        .strings(&["authentication_secret", "uri", "default_repository"]),
    row("data_validator", "deepchecks"),
    row("data_validator", "evidently"),
    row("data_validator", "great_expectations")
        .refused(&["context_root_dir"])
        .strings(&["context_root_dir"])
        .others(&["context_config", "configure_zenml_stores", "configure_local_docs"]),
    row("data_validator", "whylogs")
        .strings(&["dataset_id", "authentication_secret"])
        .others(&["enable_whylabs"]),
    row("deployer", "aws")
        .sensitive(&["auth_key"])
        .strings(&["auth_key", "region", "service_name_prefix", "ingress_vpc_configuration", "secret_name_prefix", "observability_configuration_arn", "encryption_kms_key", "instance_role_arn", "access_role_arn"])
        .others(&["generate_auth_key", "lcm_timeout", "health_check_grace_period_seconds", "health_check_interval_seconds", "health_check_protocol", "health_check_timeout_seconds", "health_check_healthy_threshold", "health_check_unhealthy_threshold", "is_publicly_accessible", "environment_variables", "tags", "use_secrets_manager", "traffic_allocation", "strict_resource_matching", "resource_combinations"]),
    row("deployer", "docker")
        .sensitive(&["auth_key"])
        .strings(&["auth_key"])
        .others(&["generate_auth_key", "lcm_timeout", "port", "allocate_port_if_busy", "port_range", "run_args"]),
    row("deployer", "gcp")
        .sensitive(&["auth_key"])
        .strings(&["auth_key", "location", "service_name_prefix", "ingress", "vpc_connector", "service_account", "execution_environment", "secret_name_prefix", "project", "service_account_path"])
        .others(&["generate_auth_key", "lcm_timeout", "timeout_seconds", "environment_variables", "labels", "annotations", "traffic_allocation", "allow_unauthenticated", "use_secret_manager"]),
    row("deployer", "huggingface")
        .sensitive(&["auth_key", "token"])
        .strings(&["auth_key", "space_hardware", "space_storage", "token", "organization", "space_prefix"])
        .others(&["generate_auth_key", "lcm_timeout", "private"]),
    row("deployer", "kubernetes")
        .sensitive(&["auth_key"])
        .refused(&["readiness_probe_path", "liveness_probe_path"])
        .strings(&["auth_key", "namespace", "image_pull_policy", "service_account_name", "readiness_probe_path", "liveness_probe_path", "custom_deployment_template_file", "custom_service_template_file", "kubernetes_context"])
        .others(&["generate_auth_key", "lcm_timeout", "service_type", "service_port", "labels", "annotations", "command", "args", "image_pull_secrets", "readiness_probe_initial_delay", "readiness_probe_period", "readiness_probe_timeout", "readiness_probe_failure_threshold", "liveness_probe_initial_delay", "liveness_probe_period", "liveness_probe_timeout", "liveness_probe_failure_threshold", "pod_settings", "strict_additional_resources", "additional_resources", "atomic_provision", "wait_for_load_balancer_timeout", "deployment_ready_check_interval", "incluster", "local", "skip_local_validations"]),
    row("deployer", "local")
        .sensitive(&["auth_key"])
        .strings(&["auth_key", "address"])
        .others(&["generate_auth_key", "lcm_timeout", "port", "allocate_port_if_busy", "port_range", "blocking", "auto_reload"]),
    row("experiment_tracker", "comet")
        .sensitive(&["api_key"])
        .strings(&["run_name", "api_key", "workspace", "project_name"])
        .others(&["tags", "settings"]),
    row("experiment_tracker", "mlflow")
        .sensitive(&["databricks_client_id", "databricks_client_secret", "tracking_password", "tracking_token", "tracking_username"])
        .strings(&["experiment_name", "tracking_uri", "tracking_username", "tracking_password", "tracking_token", "databricks_client_id", "databricks_client_secret", "databricks_host"])
        .others(&["nested", "tags", "tracking_insecure_tls", "enable_unity_catalog"]),
    row("experiment_tracker", "neptune")
        .sensitive(&["api_token"])
        .strings(&["project", "api_token"]),
    row("experiment_tracker", "trackio")
        .sensitive(&["hf_token"])
        .strings(&["run_name", "project_name", "server_url", "hf_token", "space_id", "dataset_id", "bucket_id"])
        .others(&["tags", "resume", "auto_sync", "auto_freeze", "log_gpu_metrics", "publish_to_space", "publish_to_dataset"]),
    row("experiment_tracker", "vertex")
        .sensitive(&["api_endpoint", "api_key", "encryption_spec_key_name"])
        .refused(&["experiment"])
        .strings(&["experiment", "experiment_tensorboard", "project", "service_account_path", "location", "staging_bucket", "network", "encryption_spec_key_name", "api_endpoint", "api_key", "api_transport"])
        .others(&["request_metadata"]),
    row("experiment_tracker", "wandb")
        .sensitive(&["api_key"])
        .refused(&["settings"])
        .strings(&["run_name", "run_id", "group", "job_type", "api_key", "entity", "project_name"])
        .others(&["run_id_strategy", "resume", "tags", "run_config", "init_kwargs", "settings", "enable_zenml_metadata", "enable_zenml_dashboard_links", "enable_weave"]),
    row("feature_store", "feast")
        .strings(&["online_host", "feast_repo"])
        .others(&["online_port"]),
    row("image_builder", "aws")
        .strings(&["code_build_project", "build_image", "compute_type"])
        .others(&["custom_env_vars", "implicit_container_registry_auth"]),
    row("image_builder", "gcp")
        .refused(&["location"])
        .strings(&["project", "service_account_path", "cloud_builder_image", "network", "location"])
        .others(&["build_timeout"]),
    row("image_builder", "kaniko")
        .strings(&["kubernetes_context", "kubernetes_namespace", "executor_image", "service_account_name"])
        .others(&["pod_running_timeout", "env", "env_from", "volume_mounts", "volumes", "store_context_in_artifact_store", "executor_args"]),
    row("image_builder", "local")
        .others(&["use_subprocess_call"]),
    row("log_store", "datadog")
        .sensitive(&["api_key", "application_key"])
        .refused(&["max_export_batch_size"])
        .strings(&["service_name", "service_version", "endpoint", "certificate_file", "client_key_file", "client_certificate_file", "site"])
        .secret_strs(&["api_key", "application_key"])
        .others(&["max_queue_size", "schedule_delay_millis", "max_export_batch_size", "export_timeout_millis", "headers", "compression"]),
    row("log_store", "otel")
        .strings(&["service_name", "service_version", "endpoint", "certificate_file", "client_key_file", "client_certificate_file"])
        .others(&["max_queue_size", "schedule_delay_millis", "max_export_batch_size", "export_timeout_millis", "headers", "compression"]),
    row("model_deployer", "bentoml")
        .strings(&["service_path"]),
    row("model_deployer", "databricks")
        .sensitive(&["client_id", "client_secret"])
        .strings(&["host", "secret_name", "client_id", "client_secret"]),
    row("model_deployer", "huggingface")
        .sensitive(&["token"])
        .strings(&["repository", "framework", "accelerator", "instance_size", "instance_type", "region", "vendor", "account_id", "revision", "task", "endpoint_type", "secret_name", "namespace", "token"])
        .others(&["min_replica", "max_replica", "custom_image"]),
    row("model_deployer", "mlflow")
        .strings(&["service_path"]),
    row("model_deployer", "seldon")
        .strings(&["kubernetes_context", "kubernetes_namespace", "base_url", "secret", "kubernetes_secret_name"]),
    row("model_deployer", "vllm")
        .strings(&["service_path"]),
    row("model_registry", "mlflow"),
    row("orchestrator", "airflow")
        .refused(&["operator"])
        .strings(&["dag_output_dir", "dag_id", "operator", "custom_dag_generator"])
        .others(&["dag_tags", "dag_args", "operator_args", "local"]),
    row("orchestrator", "azureml")
        .strings(&["compute_name", "size", "location", "tier", "shm_size", "subscription_id", "resource_group", "workspace"])
        .others(&["mode", "idle_time_before_shutdown_minutes", "idle_time_before_scaledown_down", "min_instances", "max_instances", "synchronous"]),
    row("orchestrator", "databricks")
        .sensitive(&["client_id", "client_secret", "docker_image_password"])
        .refused(&["autoscale", "init_scripts", "schedule_timezone"])
        .strings(&["spark_version", "node_type_id", "policy_id", "single_user_name", "driver_node_type_id", "docker_image_url", "docker_image_username", "docker_image_password", "schedule_timezone", "host", "client_id", "client_secret"])
        .others(&["num_workers", "autotermination_minutes", "autoscale", "spark_conf", "spark_env_vars", "availability_type", "custom_tags", "access_control_list", "timeout_seconds", "task_timeout_seconds", "init_scripts", "job_tags", "max_concurrent_runs", "max_retries", "min_retry_interval_millis", "retry_on_timeout"]),
    row("orchestrator", "hyperai")
        .others(&["mounts_from_to", "container_registry_autologin", "automatic_cleanup_pipeline_files", "gpu_enabled_in_container"]),
    row("orchestrator", "kubeflow")
        .sensitive(&["client_password", "client_username"])
        .strings(&["client_username", "client_password", "user_namespace", "kubeflow_hostname", "kubeflow_namespace", "kubernetes_context"])
        .others(&["synchronous", "timeout", "client_args", "pod_settings"]),
    row("orchestrator", "kubernetes")
        .refused(&["concurrency_policy", "pod_failure_policy", "api_request_timeout"])
        .strings(&["service_account_name", "step_pod_service_account_name", "job_name_prefix", "concurrency_policy", "pod_name_prefix", "kubernetes_context", "kubernetes_namespace"])
        .others(&["synchronous", "privileged", "pod_settings", "orchestrator_pod_settings", "max_parallelism", "successful_jobs_history_limit", "failed_jobs_history_limit", "starting_deadline_seconds", "ttl_seconds_after_finished", "active_deadline_seconds", "backoff_limit_margin", "orchestrator_job_backoff_limit", "fail_on_container_waiting_reasons", "job_monitoring_interval", "job_monitoring_delay", "interrupt_check_interval", "pod_failure_policy", "prevent_orchestrator_pod_caching", "always_build_pipeline_image", "pod_stop_grace_period", "api_request_timeout", "max_api_retries", "timeout", "stream_step_logs", "pod_startup_timeout", "pod_failure_max_retries", "pod_failure_retry_delay", "pod_failure_backoff", "incluster", "local", "skip_local_validations", "parallel_step_startup_waiting_period", "pass_zenml_token_as_secret", "skip_owner_references"]),
    row("orchestrator", "lightning")
        .sensitive(&["api_key", "user_id"])
        .strings(&["main_studio_name", "machine_type", "user_id", "api_key", "username", "teamspace", "organization"])
        .others(&["custom_commands", "synchronous"]),
    row("orchestrator", "local"),
    row("orchestrator", "local_docker")
        .others(&["synchronous", "run_args"]),
    row("orchestrator", "modal")
        .sensitive(&["token_id", "token_secret"])
        .strings(&["gpu", "region", "cloud", "modal_environment", "token_id", "token_secret"])
        .others(&["timeout", "synchronous"]),
    row("orchestrator", "sagemaker")
        .sensitive(&["aws_access_key_id", "aws_secret_access_key"])
        .strings(&["instance_type", "execution_role", "input_data_s3_mode", "input_data_s3_uri", "output_data_s3_mode", "output_data_s3_uri", "processor_role", "scheduler_role", "aws_access_key_id", "aws_secret_access_key", "aws_profile", "aws_auth_role_arn", "region", "bucket"])
        .others(&["synchronous", "volume_size_in_gb", "max_runtime_in_seconds", "tags", "pipeline_tags", "keep_alive_period_in_seconds", "use_training_step", "processor_args", "estimator_args", "environment", "processor_tags"]),
    row("orchestrator", "ssh")
        .sensitive(&["ssh_key_passphrase", "ssh_private_key"])
        .strings(&["hostname", "username", "ssh_key_path", "ssh_private_key", "ssh_key_passphrase", "known_hosts_path", "remote_workdir", "docker_binary"])
        .others(&["mounts", "gpu_indices", "docker_run_args", "port", "verify_host_key", "connection_timeout", "keepalive_interval", "authenticate_docker", "cleanup_old_files", "minimum_free_disk_gb"]),
    row("orchestrator", "tekton")
        .sensitive(&["client_password", "client_username"])
        .strings(&["client_username", "client_password", "user_namespace", "tekton_hostname", "kubernetes_context", "kubernetes_namespace"])
        .others(&["synchronous", "timeout", "client_args", "node_selectors", "node_affinity", "pod_settings"]),
    row("orchestrator", "vertex")
        .strings(&["project", "service_account_path", "location", "pipeline_root", "encryption_spec_key_name", "workload_service_account", "network", "private_service_connect", "cpu_limit", "memory_limit", "function_service_account", "scheduler_service_account"])
        .others(&["labels", "synchronous", "node_selector_constraint", "pod_settings", "custom_job_parameters", "gpu_limit"]),
    row("orchestrator", "vm_aws")
        .strings(&["instance_type", "cpus", "memory", "accelerators", "job_recovery", "region", "zone", "image_id", "network_tier", "infra", "cluster_name", "ports", "workdir", "task_name"])
        .others(&["accelerator_args", "use_spot", "disk_size", "disk_tier", "num_nodes", "retry_until_up", "idle_minutes_to_autostop", "down", "stream_logs", "docker_run_args", "labels", "any_of", "ordered", "file_mounts", "envs", "task_settings", "resources_settings", "launch_settings", "disable_step_based_settings"]),
    row("orchestrator", "vm_azure")
        .strings(&["instance_type", "cpus", "memory", "accelerators", "job_recovery", "region", "zone", "image_id", "network_tier", "infra", "cluster_name", "ports", "workdir", "task_name"])
        .others(&["accelerator_args", "use_spot", "disk_size", "disk_tier", "num_nodes", "retry_until_up", "idle_minutes_to_autostop", "down", "stream_logs", "docker_run_args", "labels", "any_of", "ordered", "file_mounts", "envs", "task_settings", "resources_settings", "launch_settings", "disable_step_based_settings"]),
    row("orchestrator", "vm_gcp")
        .strings(&["instance_type", "cpus", "memory", "accelerators", "job_recovery", "region", "zone", "image_id", "network_tier", "infra", "cluster_name", "ports", "workdir", "task_name", "project", "service_account_path"])
        .others(&["accelerator_args", "use_spot", "disk_size", "disk_tier", "num_nodes", "retry_until_up", "idle_minutes_to_autostop", "down", "stream_logs", "docker_run_args", "labels", "any_of", "ordered", "file_mounts", "envs", "task_settings", "resources_settings", "launch_settings", "disable_step_based_settings"]),
    row("orchestrator", "vm_kubernetes")
        .strings(&["instance_type", "cpus", "memory", "accelerators", "job_recovery", "region", "zone", "image_id", "network_tier", "infra", "cluster_name", "ports", "workdir", "task_name"])
        .others(&["accelerator_args", "use_spot", "disk_size", "disk_tier", "num_nodes", "retry_until_up", "idle_minutes_to_autostop", "down", "stream_logs", "docker_run_args", "labels", "any_of", "ordered", "file_mounts", "envs", "task_settings", "resources_settings", "launch_settings", "disable_step_based_settings"]),
    row("orchestrator", "vm_lambda")
        .sensitive(&["api_key"])
        .strings(&["instance_type", "cpus", "memory", "accelerators", "job_recovery", "region", "zone", "image_id", "network_tier", "infra", "cluster_name", "ports", "workdir", "task_name", "api_key"])
        .others(&["accelerator_args", "use_spot", "disk_size", "disk_tier", "num_nodes", "retry_until_up", "idle_minutes_to_autostop", "down", "stream_logs", "docker_run_args", "labels", "any_of", "ordered", "file_mounts", "envs", "task_settings", "resources_settings", "launch_settings", "disable_step_based_settings"]),
    row("sandbox", "docker")
        .strings(&["image", "workdir", "memory_limit"])
        .others(&["sandbox_environment", "cpu_limit", "pull_policy", "run_args"]),
    row("sandbox", "kubernetes")
        .strings(&["image", "service_account_name", "kubernetes_namespace", "kubernetes_context"])
        .others(&["sandbox_environment", "pod_settings", "automount_service_account_token", "privileged", "owner", "pod_startup_timeout", "api_request_timeout", "max_api_retries", "incluster"]),
    row("sandbox", "local")
        .others(&["sandbox_environment", "forward_env"]),
    row("sandbox", "modal")
        .sensitive(&["token_id", "token_secret"])
        .strings(&["gpu", "region", "cloud", "modal_environment", "image", "memory", "token_id", "token_secret", "app_name"])
        .others(&["timeout", "sandbox_environment", "cpu"]),
    row("step_operator", "azureml")
        .sensitive(&["service_principal_id", "service_principal_password", "tenant_id"])
        .strings(&["compute_name", "size", "location", "tier", "shm_size", "compute_target_name", "subscription_id", "resource_group", "workspace_name", "tenant_id", "service_principal_id", "service_principal_password"])
        .others(&["mode", "idle_time_before_shutdown_minutes", "idle_time_before_scaledown_down", "min_instances", "max_instances"]),
    row("step_operator", "baseten")
        .sensitive(&["api_key"])
        .strings(&["project", "registry_auth_secret"])
        .secret_strs(&["api_key"]),
    row("step_operator", "databricks")
        .sensitive(&["client_id", "client_secret", "docker_image_password"])
        .refused(&["autoscale", "init_scripts"])
        .strings(&["spark_version", "node_type_id", "policy_id", "single_user_name", "driver_node_type_id", "docker_image_url", "docker_image_username", "docker_image_password", "host", "client_id", "client_secret"])
        .others(&["num_workers", "autotermination_minutes", "autoscale", "spark_conf", "spark_env_vars", "availability_type", "custom_tags", "access_control_list", "timeout_seconds", "task_timeout_seconds", "init_scripts"]),
    row("step_operator", "kubernetes")
        .refused(&["api_request_timeout"])
        .strings(&["service_account_name", "job_name_prefix", "kubernetes_namespace", "kubernetes_context"])
        .others(&["pod_settings", "pod_count", "privileged", "ttl_seconds_after_finished", "active_deadline_seconds", "fail_on_container_waiting_reasons", "api_request_timeout", "max_api_retries", "pod_startup_timeout", "pod_failure_max_retries", "pod_failure_retry_delay", "pod_failure_backoff", "incluster"]),
    row("step_operator", "modal")
        .sensitive(&["token_id", "token_secret"])
        .strings(&["gpu", "region", "cloud", "modal_environment", "token_id", "token_secret"])
        .others(&["timeout"]),
    row("step_operator", "runai")
        .sensitive(&["client_id", "client_secret"])
        .refused(&["gpu_memory_request", "gpu_memory_limit", "cpu_memory_request", "cpu_memory_limit", "runai_base_url"])
        .strings(&["gpu_memory_request", "gpu_memory_limit", "cpu_memory_request", "cpu_memory_limit", "node_type", "priority_class", "working_dir", "workload_template_id", "runai_base_url", "project_name", "cluster_name", "image_pull_secret_name"])
        .secret_strs(&["client_id", "client_secret"])
        .others(&["gpu_devices_request", "gpu_portion_request", "gpu_request_type", "gpu_portion_limit", "cpu_core_request", "cpu_core_limit", "node_pools", "preemptibility", "tolerations", "extended_resources", "large_shm_request", "backoff_limit", "termination_grace_period_seconds", "terminate_after_preemption", "labels", "annotations", "pvc_mounts", "config_map_mounts", "secret_mounts", "nfs_mounts", "s3_mounts", "host_path_mounts", "security_context", "ports", "external_urls", "parallelism", "completions", "workload_timeout", "pending_timeout", "monitoring_interval", "delete_on_failure"]),
    row("step_operator", "sagemaker")
        .strings(&["instance_type", "experiment_name", "input_data_s3_uri", "role", "bucket"])
        .others(&["estimator_args", "environment"]),
    row("step_operator", "spark-kubernetes")
        .strings(&["deploy_mode", "master", "namespace", "service_account"])
        .others(&["submit_kwargs"]),
    row("step_operator", "ssh")
        .sensitive(&["ssh_key_passphrase", "ssh_private_key"])
        .strings(&["hostname", "username", "ssh_key_path", "ssh_private_key", "ssh_key_passphrase", "known_hosts_path", "remote_workdir", "docker_binary"])
        .others(&["mounts", "gpu_indices", "docker_run_args", "port", "verify_host_key", "connection_timeout", "keepalive_interval", "authenticate_docker", "cleanup_old_files", "minimum_free_disk_gb"]),
    row("step_operator", "vertex")
        .strings(&["accelerator_type", "machine_type", "boot_disk_type", "persistent_resource_id", "service_account", "project", "service_account_path", "region", "encryption_spec_key_name", "network", "reserved_ip_ranges"])
        .others(&["accelerator_count", "boot_disk_size_gb", "additional_training_job_args"]),
];
