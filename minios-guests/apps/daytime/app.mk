daytime_memory := 3
daytime_net := y
daytime_cmdline := ip=10.0.0.2/24 gw=10.0.0.1
