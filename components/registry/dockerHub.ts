/** Docker Hub's host in a reference. */
export const dockerHub = "docker.io";

/** Whether a host is Docker Hub, by any of its names. */
export function isDockerHub(host: string): boolean {
    return [dockerHub, "index.docker.io", "registry-1.docker.io"].includes(host);
}
