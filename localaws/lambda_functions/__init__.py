"""Lambda functions as processes: execution environments behind AWS's Runtime API.

What runs here is decided in `localaws.ministack_plugin.functions`; nothing here knows the emulator.
Source: "Lambda runtime API" and "Understanding the Lambda execution environment lifecycle" in the Lambda
developer guide.
"""
