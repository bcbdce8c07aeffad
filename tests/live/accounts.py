"""Creates users and secrets in moto, then turns on its access control: `accounts.py URL` prints the access keys of each user."""
import json
import sys
import urllib.request

import boto3

url = sys.argv[1]
client_options = {"endpoint_url": url, "region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
iam, secrets, parameters = (boto3.client(name, **client_options) for name in ["iam", "secretsmanager", "ssm"])
permissions = {
    "admin": ["*"],
    "lister": ["secretsmanager:ListSecrets", "ssm:DescribeParameters"],
    "stranger": ["s3:ListAllMyBuckets"],
}
keys = {}
for user, actions in permissions.items():
    iam.create_user(UserName=user)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_user_policy(UserName=user, PolicyName="rights", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    keys[user] = (key["AccessKeyId"], key["SecretAccessKey"])
content = {"user": "hunter2 u", "password": "hunter2\np"}
secrets.create_secret(Name="/team/db", SecretString=json.dumps(content))
secrets.create_secret(Name="/other/db", SecretString="{}")
for number in range(45):
    secrets.create_secret(Name=f"/team/many{number}", SecretString=json.dumps({"k": number}))
for key, value in content.items():
    parameters.put_parameter(Name=f"/team/db/{key}", Value=value, Type="SecureString")
request = urllib.request.Request(url + "/moto-api/reset-auth", b"0", {"content-type": "text/plain"})
urllib.request.urlopen(request).close()
print(json.dumps(keys))
