//! Values that occur in any repository and are not secrets.

/// Returns whether a value is a common word, ignoring case.
pub(super) fn is_common(value: &str) -> bool {
    COMMON_WORDS
        .binary_search(&value.to_lowercase().as_str())
        .is_ok()
}

/// Common words of configs, code and prose with at least eight letters; sorted for the binary
/// search.
const COMMON_WORDS: &[&str] = &[
    "administrator",
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "application",
    "artifact",
    "artifact-store",
    "artifact_store",
    "authorization",
    "basic_auth",
    "ca-central-1",
    "certificate",
    "changeme",
    "changeme!",
    "client_id",
    "cluster.local",
    "component",
    "components",
    "configuration",
    "connection",
    "container",
    "credential",
    "credentials",
    "database",
    "database_name",
    "default_user",
    "defaults",
    "deployment",
    "developer",
    "development",
    "disabled",
    "document",
    "environment",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "europe-west1",
    "europe-west4",
    "example.com",
    "experiment",
    "experiment_tracker",
    "external",
    "https://",
    "integration",
    "internal",
    "kubeflow",
    "kubernetes",
    "localhost",
    "metadata",
    "metadata_store",
    "minioadmin",
    "mlflow-server",
    "monitoring",
    "mysql_secret",
    "northeurope",
    "orchestrator",
    "password",
    "passwords",
    "pipeline",
    "pipelines",
    "placeholder",
    "platform",
    "postgres",
    "postgresql",
    "private_key",
    "production",
    "project-id",
    "readonly",
    "readwrite",
    "redacted",
    "region-1",
    "registry",
    "repository",
    "root_user",
    "sa-east-1",
    "sagemaker",
    "sandbox-1",
    "scheduler",
    "secret_key",
    "secrets_manager",
    "serverless",
    "service-account",
    "service_account",
    "snowflake",
    "somebody",
    "something",
    "sqlserver",
    "standard",
    "superuser",
    "tensorflow",
    "tracking",
    "tracking_password",
    "tracking_username",
    "training",
    "undefined",
    "unspecified",
    "us-central1",
    "us-east-1",
    "us-east-2",
    "us-east1",
    "us-west-1",
    "us-west-2",
    "us-west1",
    "username",
    "westeurope",
    "workflow",
    "workspace",
    "your-password",
    "your_password",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_common_finds_words_in_any_case() {
        assert!(
            COMMON_WORDS.is_sorted(),
            "{:?}",
            COMMON_WORDS
                .windows(2)
                .find(|pair| pair.first() > pair.last())
        );
        assert!(is_common("Localhost") && !is_common("hunter2hunter2"));
    }
}
