// Package codegen stands in for Pulumi's C# code generator. The docker-build provider refers to it only
// to fill in schema metadata for the .NET SDK, which nothing in this project generates; the module's own
// archive is not served by every Go module proxy.
package codegen

// CSharpPackageInfo has the fields that the docker-build provider sets.
type CSharpPackageInfo struct {
	RespectSchemaVersion bool              `json:"respectSchemaVersion,omitempty"`
	PackageReferences    map[string]string `json:"packageReferences,omitempty"`
}
