tcpecho_memory := 3
tcpecho_net := y
tcpecho_cmdline := ip=10.0.0.2/24 gw=10.0.0.1
