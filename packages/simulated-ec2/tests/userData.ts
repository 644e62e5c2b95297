/** User data that serves on port 9753, and leaves a line in /root/ran each time that it is run. */
export const serve = `#!/bin/sh
echo "this is user data of $(hostname)"
date +%s%N >>/root/ran
cat >/etc/systemd/system/serve.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 -c "import socket; s = socket.create_server(('', 9753)); [s.accept() for _ in iter(int, 1)]"
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now serve
`;

/** Asks the metadata service for a token. */
export const token =
    "curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token";
