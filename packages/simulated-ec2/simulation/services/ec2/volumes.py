"""Volumes in place of moto's: attached to one machine of their zone, detached when nothing has them mounted."""

from __future__ import annotations

import threading
import time
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend

from .instances import Instances
from .launch import launching
from .runtime import Runtime


def install(instances: Instances) -> None:
    """After RunInstances has been replaced."""
    volumes = Volumes(instances)
    EC2Backend.attach_volume = volumes.wrap_attach(EC2Backend.attach_volume)
    EC2Backend.detach_volume = volumes.wrap_detach(EC2Backend.detach_volume)
    EC2Backend.delete_volume = volumes.wrap_delete(EC2Backend.delete_volume)
    EC2Backend.modify_volume = volumes.wrap_modify(EC2Backend.modify_volume)


class Volumes:
    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._devices = instances.hardware.block_devices

    def _open(self, backend: EC2Backend, volume_id: str) -> str:
        return self._devices.open(volume_id, int(backend.get_volume(volume_id).size))

    def wrap_attach(self, original: Any) -> Any:
        def attach(backend: EC2Backend, volume_id: str, instance_id: str, device_path: str, delete_on_termination: bool = False) -> Any:
            if getattr(launching, "now", False):
                return original(backend, volume_id, instance_id, device_path, delete_on_termination)
            _check_attachment(backend, volume_id, instance_id, device_path)
            attachment = original(backend, volume_id, instance_id, device_path, delete_on_termination)
            runtime = self._instances[instance_id]
            with runtime.lock:
                if runtime.machine.leader():
                    runtime.machine.plug(volume_id, self._open(backend, volume_id))
            return attachment

        return attach

    def wrap_detach(self, original: Any) -> Any:
        def detach(backend: EC2Backend, volume_id: str, instance_id: str, device_path: str) -> Any:
            attachment = backend.get_volume(volume_id).attachment
            if attachment is None or (instance_id and attachment.instance.id != instance_id):
                raise EC2ClientError("IncorrectState", f"Volume '{volume_id}' is in the 'available' state.")
            runtime = self._instances[attachment.instance.id]

            def now() -> Any:
                with runtime.lock:
                    runtime.machine.unplug(volume_id)
                    self._devices.close(volume_id)
                    return original(backend, volume_id, runtime.instance.id, device_path)

            def when_free() -> None:
                while self._is_mounted(backend, runtime, volume_id):
                    time.sleep(0.2)
                if backend.get_volume(volume_id).attachment:
                    now()

            if not self._is_mounted(backend, runtime, volume_id):
                return now()
            # As on EC2: detaching a mounted volume waits until it is unmounted or the machine is off.
            attachment.status = "detaching"
            threading.Thread(target=when_free, daemon=True).start()
            return attachment

        return detach

    def _is_mounted(self, backend: EC2Backend, runtime: Runtime, volume_id: str) -> bool:
        return runtime.machine.leader() is not None and runtime.machine.has_mounted(self._open(backend, volume_id))

    def wrap_delete(self, original: Any) -> Any:
        def delete(backend: EC2Backend, volume_id: str) -> Any:
            deleted = original(backend, volume_id)
            self._devices.delete(volume_id)
            return deleted

        return delete

    def wrap_modify(self, original: Any) -> Any:
        def modify(backend: EC2Backend, volume_id: str, target_size: int | None = None, *args: Any, **kwargs: Any) -> Any:
            volume = backend.get_volume(volume_id)
            target_size = int(target_size) if target_size else None
            if target_size is not None and target_size < int(volume.size):
                raise EC2ClientError("InvalidParameterValue", "New size cannot be smaller than existing size")
            changed = original(backend, volume_id, target_size, *args, **kwargs)
            if volume.attachment:
                self._devices.grow(volume_id, int(volume.size))
            return changed

        return modify


def _check_attachment(backend: EC2Backend, volume_id: str, instance_id: str, device: str) -> None:
    volume = backend.get_volume(volume_id)
    instance = backend.get_instance(instance_id)
    if volume.attachment:
        raise EC2ClientError("VolumeInUse", f"{volume_id} is already attached to an instance")
    if volume.availability_zone != instance.availability_zone:
        raise EC2ClientError(
            "InvalidVolume.ZoneMismatch", f"The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'"
        )
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError("IncorrectState", f"Instance '{instance_id}' is not 'running'.")
    if device in dict(instance.get_block_device_mapping):
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use")
