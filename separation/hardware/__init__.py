"""Devices and memory: choosing a device, measuring memory, explaining their failures."""
