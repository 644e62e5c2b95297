# The images `app`, and `service` on `libraries`, by docker buildx bake on a stack's builder:
#
#     REPOSITORY=$(pulumi stack output repositoryUrl --stack dev) \
#         docker buildx bake --builder native-buildx-dev --file examples/bake/docker-bake.hcl --push
#
# Folders are relative to where bake is called.
variable "REPOSITORY" {}

group "default" {
  targets = ["app", "libraries", "service"]
}

target "both" {
  platforms = ["linux/amd64", "linux/arm64"]
}

target "app" {
  inherits = ["both"]
  context  = "app"
  tags     = ["${REPOSITORY}/app:by-bake"]
}

target "libraries" {
  inherits = ["both"]
  context  = "libraries"
  tags     = ["${REPOSITORY}/libraries:by-bake"]
}

target "service" {
  inherits = ["both"]
  context  = "service"
  contexts = { libraries = "target:libraries" } # its Dockerfile says FROM libraries
  tags     = ["${REPOSITORY}/service:by-bake"]
}
