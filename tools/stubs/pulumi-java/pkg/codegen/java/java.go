// Package java stands in for Pulumi's Java code generator. The docker-build provider refers to it only
// to fill in schema metadata for the Java SDK, which nothing in this project generates; the module's own
// archive is not served by every Go module proxy.
package java

// PackageInfo has the fields that the docker-build provider sets.
type PackageInfo struct {
	BuildFiles                      string            `json:"buildFiles,omitempty"`
	GradleNexusPublishPluginVersion string            `json:"gradleNexusPublishPluginVersion,omitempty"`
	Dependencies                    map[string]string `json:"dependencies,omitempty"`
}
